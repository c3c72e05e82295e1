/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an object to the automaton's state for its path, mostly without reading the path.
 *
 * The state after "/usr/share/doc/" belongs to that folder, and the last folders are remembered. A remembered state
 * holds for the same dentry, inode, mount and policy generation as long as the two counters that d_path() itself relies
 * on stand still (rename_lock, mount_lock; odd: a writer is inside) and no folder's inode was freed whose address
 * falls into the same bucket: addresses are reused. Then only the object's own name is read.
 *
 * Where nothing is remembered, climb to the nearest folder that is, or to the root of the mount namespace, and come
 * down again. What cannot be climbed (no root, too many levels, names still changing) is unresolved.
 */
#ifndef KRSI_PATH_BPF_H
#define KRSI_PATH_BPF_H

#include "compat.bpf.h"
#include "automaton.bpf.h"

enum {
	LEVELS = 4096,	/* of folders above an object */
	ATTEMPTS = 1024, /* while names change */
	CHUNK = 16,	/* more than the bytes of a name that are read at once, a power of two */
	STEPS = 1 << 20,/* of a walk in all; a path of LEVELS names takes about half */
	NAME_ROOM = 256, /* more than a name's bytes, as text */

	DCACHE_OP_REVALIDATE = 1 << 2,
	S_IFMT = 0170000,
	S_IFDIR = 0040000,
	PROC_SUPER_MAGIC = 0x9fa0,
	MNT_NS_INTERNAL = -22, /* ERR_PTR(-EINVAL): a mount of the kernel's own */
};

static __always_inline u32 renames_now(void)
{
	u32 renames;

	barrier(); /* What is read between two looks must stay there. */
	renames = load_int(&rename_lock);
	barrier();
	return renames;
}

/* The two counters: renames below, mounts above. Odd ones mean that names are changing now. */
static __always_inline u64 epoch_now(void)
{
	u64 mounts = load_int(&mount_lock);

	return mounts << 32 | renames_now();
}

/* Whether names are being changed right now. */
static __always_inline bool epoch_is_odd(u64 epoch)
{
	return epoch & (1ull << 32 | 1);
}

static __always_inline bool epoch_is_settled(u64 epoch)
{
	return &rename_lock && &mount_lock && !epoch_is_odd(epoch);
}

static __always_inline u64 *freed_of(kaddr inode)
{
	/* Inodes are some hundred bytes large. */
	return &freed_folders[(inode >> 8) & (KRSI_FREED - 1)];
}

static __always_inline u32 folder_index(kaddr dentry)
{
	/* Dentries are 192 bytes large and mostly come from few pages. */
	return ((dentry >> 6) ^ (dentry >> 18)) & (KRSI_FOLDERS - 1);
}

static __always_inline struct krsi_folder *folder_slot(kaddr dentry)
{
	return &folders[folder_index(dentry)];
}

static __always_inline u64 folder_seal(const struct krsi_folder *folder)
{
	u64 seal = folder->dentry;

	seal = seal * 0x9e3779b97f4a7c15 + folder->inode;
	seal = seal * 0x9e3779b97f4a7c15 + folder->mnt;
	seal = seal * 0x9e3779b97f4a7c15 + folder->epoch;
	seal = seal * 0x9e3779b97f4a7c15 + folder->freed;
	return seal * 0x9e3779b97f4a7c15 + folder->state;
}

/* Fill @key with all that a remembered state depends on. */
static __always_inline void folder_key(struct krsi_folder *key, kaddr dentry, kaddr inode, kaddr mnt, u64 epoch,
				       u32 generation)
{
	key->dentry = dentry;
	key->inode = inode;
	key->mnt = mnt;
	key->epoch = epoch;
	key->freed = *freed_of(inode) + ((u64)generation << 32);
}

static __always_inline u32 folder_recall(struct krsi_folder *key)
{
	const volatile struct krsi_folder *slot = folder_slot(key->dentry);

	barrier_var(slot); /* or clang computes it again for each field */
	if (slot->dentry != key->dentry || slot->inode != key->inode || slot->mnt != key->mnt ||
	    slot->epoch != key->epoch || slot->freed != key->freed)
		return STATE_NONE;
	key->state = slot->state;
	key->seal = folder_seal(key);
	return slot->seal == key->seal ? key->state : STATE_NONE;
}

static __always_inline void folder_remember(struct krsi_folder *key, u32 state)
{
	key->state = state;
	key->seal = folder_seal(key);
	*folder_slot(key->dentry) = *key;
}

/*
 * The walk of resolve(): up from an object to where its path is known, and down again over the names passed. One loop
 * with a state, for nested loops multiply what the verifier must look at; and the state lies in a map, for what it
 * reads there it need not follow.
 */
struct walker {
	const void *image;
	struct krsi_walk *walk;
};

/* Climb from the object, until something is known or level @stop, whose state is. */
static __always_inline long walk_climb(struct krsi_walk *walk, u64 stop)
{
	walk->dentry = walk->object;
	walk->mnt = walk->object_mnt;
	walk->climbing = 1;
	walk->level = 0;
	walk->stop = stop;
	return 0;
}

/* Go over the name of the chain at @level. */
static __always_inline long walk_name(struct krsi_walk *walk, u64 level)
{
	kaddr dentry = walk->chain[level & (KRSI_CHAIN - 1)];

	walk->level = level;
	walk->name = (u64)load_field(dentry, struct dentry, d_name.name);
	walk->left = load_field(dentry, struct dentry, d_name.len);
	return 0;
}

static __always_inline long walk_begin(struct krsi_walk *walk)
{
	walk->epoch = epoch_now();
	walk->attempts++;
	walk->folder_state = STATE_NONE;
	walk->volatile_names = 0;
	walk->left = 0;
	return walk_climb(walk, STATE_NONE);
}

static __always_inline void walk_remember(struct walker *walker)
{
	struct image image = image_of(walker->image);
	struct krsi_walk *walk = walker->walk;
	struct krsi_folder key = {};

	/* Whatever was freed meanwhile was not this folder: the object holds it. */
	folder_key(&key, walk->folder, load_kaddr(walk->folder, struct dentry, d_inode), walk->folder_mnt,
		   walk->epoch, image.header->generation);
	folder_remember(&key, walk->folder_state);
}

/* The walk has come to @state: that holds if no name changed on the way. */
static __always_inline long walk_end(struct walker *walker, u64 state)
{
	struct krsi_walk *walk = walker->walk;

	if (!epoch_is_settled(walk->epoch) || epoch_now() != walk->epoch)
		return walk->attempts < ATTEMPTS ? walk_begin(walk) : 1;
	walk->result = state;
	if (!walk->volatile_names && state_is_known(walk->folder_state))
		walk_remember(walker);
	return 1;
}

/* At the top of all mounts: whose are they? Gives STATE_NONE if a path can begin here. */
static __always_inline u64 namespace_of_top(kaddr mount)
{
	kaddr ns = load_kaddr(mount, struct mount, mnt_ns);

	if ((s64)kaddr_pointer(ns) == MNT_NS_INTERNAL)
		return STATE_INTERNAL;
	if (!kaddr_pointer(ns) || namespace_is_anonymous(ns))
		return STATE_UNRESOLVED;
	return STATE_NONE;
}

/* The state where the walk stands is known: go down, or be done if this is the object itself. */
static __always_inline long walk_turn(struct walker *walker, u64 state)
{
	struct krsi_walk *walk = walker->walk;
	u64 level = walk->level;

	if (!state_is_known(state) || !level)
		return walk_end(walker, state);
	if (level == 1)
		walk->folder_state = state;
	walk->state = state;
	walk->climbing = 0;
	walk->lowest = level > KRSI_CHAIN ? level - KRSI_CHAIN : 0;
	return walk_name(walk, level - 1);
}

static __always_inline long walk_top(struct walker *walker, kaddr mount)
{
	struct image image = image_of(walker->image);
	u64 state = namespace_of_top(mount);

	/* The root folder itself has no name: its only slash is the last one, which the caller adds. */
	if (state == STATE_NONE)
		state = walker->walk->level ? step_slash(&image, image.header->start) : image.header->start;
	return walk_turn(walker, state);
}

/* From the root of a mount to the place where it is mounted. */
static __always_inline long walk_mount(struct walker *walker)
{
	struct krsi_walk *walk = walker->walk;
	kaddr mount = walk->mnt - bpf_core_field_offset(struct mount, mnt);
	kaddr parent = load_kaddr(mount, struct mount, mnt_parent);

	if (parent == mount)
		return walk_top(walker, mount);
	walk->dentry = load_kaddr(mount, struct mount, mnt_mountpoint);
	walk->mnt = parent + bpf_core_field_offset(struct mount, mnt);
	return 0;
}

/* Whether the file system renames @dentry without telling the VFS. */
static __always_inline bool name_is_volatile(kaddr dentry)
{
	kaddr sb;

	if (!(load_field(dentry, struct dentry, d_flags) & DCACHE_OP_REVALIDATE))
		return false;
	sb = load_kaddr(dentry, struct dentry, d_sb);
	return load_field(sb, struct super_block, s_magic) != PROC_SUPER_MAGIC;
}

/* The state of the folder where the walk stands, if it is remembered. */
static __always_inline u64 walk_recall(struct walker *walker)
{
	struct image image = image_of(walker->image);
	struct krsi_walk *walk = walker->walk;
	struct krsi_folder key;

	folder_key(&key, walk->dentry, load_kaddr(walk->dentry, struct dentry, d_inode), walk->mnt, walk->epoch,
		   image.header->generation);
	return folder_recall(&key);
}

/* What has no folder and is no mount's root: a pipe, a socket, a memfd; or cut off from its file system. */
static __always_inline u64 state_of_rootless(const struct krsi_walk *walk)
{
	u64 state = namespace_of_top(walk->mnt - bpf_core_field_offset(struct mount, mnt));

	return state == STATE_INTERNAL ? state : STATE_UNRESOLVED;
}

/* Over the name of where the walk stands, to its folder. */
static __always_inline long walk_parent(struct walker *walker, kaddr dentry)
{
	kaddr parent = load_kaddr(dentry, struct dentry, d_parent);
	struct krsi_walk *walk = walker->walk;

	if (parent == dentry)
		return walk_end(walker, state_of_rootless(walk));
	if (walk->level >= LEVELS)
		return walk_end(walker, STATE_UNRESOLVED);
	if (walk->level) {
		walk->volatile_names |= name_is_volatile(dentry);
	} else {
		walk->folder = parent;
		walk->folder_mnt = walk->mnt;
	}
	walk->chain[walk->level & (KRSI_CHAIN - 1)] = dentry;
	walk->dentry = parent;
	walk->level++;
	return 0;
}

/* As d_path() does, wait until whoever changes names is done: that is soon, and no attempt is lost by it. */
static __always_inline long walk_wait(struct krsi_walk *walk)
{
	walk->epoch = epoch_now();
	return 0;
}

static __always_inline long walk_up(struct walker *walker)
{
	struct krsi_walk *walk = walker->walk;
	kaddr dentry = walk->dentry;
	u64 known;

	if (!walk->level && epoch_is_odd(walk->epoch))
		return walk_wait(walk);
	if (walk->level == walk->stop)
		return walk_turn(walker, walk->state);
	if (walk->level) {
		known = walk_recall(walker);
		if (known != STATE_NONE)
			return walk_turn(walker, known);
	}
	if (dentry == load_kaddr(walk->mnt, struct vfsmount, mnt_root))
		return walk_mount(walker);
	return walk_parent(walker, dentry);
}

/* A name is read to its end: the object's, or a folder's. */
static __always_inline long walk_down(struct walker *walker)
{
	struct image image = image_of(walker->image);
	struct krsi_walk *walk = walker->walk;
	u64 level = walk->level;

	if (!level)
		return walk_end(walker, walk->state);
	walk->state = step_slash(&image, walk->state);
	if (level == 1)
		walk->folder_state = walk->state;
	return level > walk->lowest ? walk_name(walk, level - 1) : walk_climb(walk, level);
}

/* Over the next bytes of a name. */
static __always_inline long walk_bytes(struct walker *walker)
{
	struct image image = image_of(walker->image);
	struct krsi_walk *walk = walker->walk;
	u32 i, len = walk->left < CHUNK ? walk->left : CHUNK - 1;
	unsigned char bytes[CHUNK];
	u64 state = walk->state;

	len = bounded(len, CHUNK - 1);
	if (bpf_probe_read_kernel(bytes, len, (void *)walk->name))
		return walk_end(walker, STATE_UNRESOLVED);
	for (i = 0; i < len; i++)
		state = step_straight(&image, state, 8 * bytes[i]);
	walk->state = state;
	walk->name += len;
	walk->left -= len;
	return 0;
}

static long walk_step(u32 index, struct walker *walker)
{
	if (walker->walk->left)
		return walk_bytes(walker);
	return walker->walk->climbing ? walk_up(walker) : walk_down(walker);
}

static __always_inline struct krsi_walk *walk_take(void)
{
	u32 i, slot = bpf_ktime_get_ns() >> 4;
	struct krsi_walk *walk;

	for (i = 0; i < 8; i++) {
		slot = (slot + 1) & (KRSI_WALKS - 1);
		walk = bpf_map_lookup_elem(&walks, &slot);
		if (walk && !__sync_val_compare_and_swap(&walk->lock, 0, 1))
			return walk;
	}
	return NULL;
}

/* The state after the path of the object @dentry on @mnt, a folder's without its last slash; STATE_… if there is none. */
static __noinline u32 resolve(const void *image, kaddr mnt, kaddr dentry)
{
	struct walker walker = { .image = image, .walk = walk_take() };
	u32 state;

	if (!walker.walk)
		return STATE_UNRESOLVED;
	anchor_drop();
	walker.walk->object = dentry;
	walker.walk->object_mnt = mnt;
	walker.walk->attempts = 0;
	walker.walk->result = STATE_UNRESOLVED;
	walk_begin(walker.walk);
	bpf_loop(STEPS, walk_step, &walker, 0);
	state = walker.walk->result;
	__sync_fetch_and_sub(&walker.walk->lock, 1);
	return state;
}

/* Without its mark. In one instruction: clang would load a mask of 64 bits first. */
static __always_inline u64 unmarked(u64 state)
{
	asm("%0 &= %1" : "+r"(state) : "i"(~(s64)KRSI_MARK_STAYS));
	return state;
}

/* Over a byte of a name, given 8 times, from a state that may be marked to one that may be. */
static __always_inline u64 step_byte(const struct image *image, u64 state, u64 byte)
{
	return step(image, unmarked(state), byte & 0xff << 3);
}

/* Over the first two bytes of @word, and over four. */
static __always_inline u64 step_two(const struct image *image, u64 state, u64 word)
{
	state = step_byte(image, state, word << 3);
	return step_byte(image, state, word >> 5);
}

static __always_inline u64 step_four(const struct image *image, u64 state, u64 word)
{
	state = step_two(image, state, word);
	state = step_byte(image, state, word >> 13);
	return step_byte(image, state, word >> 21);
}

/* Over the first @count bytes of @word, up to 7 of them: without a question for each. */
static __always_inline u64 step_rest(const struct image *image, u64 state, u64 word, u32 count)
{
	if (count & 4) {
		state = step_four(image, state, word);
		word >>= 32;
	}
	if (count & 2) {
		state = step_two(image, state, word);
		word >>= 16;
	}
	return count & 1 ? step_byte(image, state, word << 3) : state;
}

/*
 * The state after the short name of @dentry, from that after its first byte: @left more of them, @word the first of
 * these. In a function of its own so that all stays in registers, and each word of the name is loaded when the last one
 * is used up: most names are short, and a load from the kernel's memory is dear.
 */
static __noinline u64 step_short_name(const void *base, u64 state, struct dentry *dentry, u32 left, u64 word)
{
	struct image image = image_of(base);

#define STEP_HALF(word)					\
	state = step_four(&image, state, word);		\
	if (state & KRSI_MARK_STAYS)			\
		return state;
#define STEP_WORD(next)					\
	STEP_HALF(word)					\
	STEP_HALF(word >> 32)				\
	word = short_name_word(dentry, next);		\
	left -= 8;
	if (left >= 7) {
		STEP_HALF(word)
		state = step_rest(&image, state, word >> 32, 3);
		word = short_name_word(dentry, 1);
		left -= 7;
		if (left >= 8) {
			STEP_WORD(2)
			if (left >= 8) {
				STEP_WORD(3)
				if (left >= 8 && short_name_size() > 32) {
					STEP_WORD(4)
				}
			}
		}
	}
#undef STEP_WORD
#undef STEP_HALF
	return step_rest(&image, state, word, left);
}

/*
 * As resolve(), for an object in a remembered folder; STATE_NONE if it is not, or its name is long or changing. @seal
 * gets the folder's, which is worth something as long as no name changes.
 */
static __always_inline u64 recall(const struct image *image, struct vfsmount *mnt, struct dentry *dentry, u64 *seal)
{
	struct dentry *folder = dentry->d_parent;
	u64 state, word, epoch = epoch_now();
	struct krsi_folder key;
	u32 len;

	/*
	 * The root of a mount is its own parent, or its parent is not on that mount and so never remembered with it. Nor
	 * is anything remembered with an epoch that was not settled.
	 */
	if (folder == dentry)
		return STATE_NONE;
	folder_key(&key, kaddr_of(folder), kaddr_of(folder->d_inode), kaddr_of(mnt), epoch, image->header->generation);
	state = folder_recall(&key);
	*seal = key.seal;
	if (!state_is_known(state) || state_is_closed(image, state))
		return state;
	len = dentry->d_name.len;
	if (len >= short_name_size())
		return STATE_NONE;
	word = short_name_word(dentry, 0);
	state = step_byte(image, state, word << 3);
	if (!(state & KRSI_MARK_STAYS) && len > 1) /* else below a `*` or `**`, or where no rule leads */
		state = step_short_name(image->base, state, dentry, len - 1, word >> 8);
	return renames_now() == (u32)epoch ? unmarked(state) : STATE_NONE;
}

/* Where an object is: the state after its whole path, a folder's with its last slash. */
struct place {
	u64 state;
	u64 seal; /* of its folder, if that was remembered; else 0 */
};

static __always_inline struct place place_of(const struct image *image, struct vfsmount *mnt, struct dentry *dentry,
					     bool is_folder)
{
	struct place place = {};

	place.state = recall(image, mnt, dentry, &place.seal);
	if (place.state == STATE_NONE) {
		place.state = resolve(image->base, kaddr_of(mnt), kaddr_of(dentry));
		place.seal = 0;
	}
	if (is_folder && state_is_known(place.state))
		place.state = step_slash(image, place.state);
	return place;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The long way from an object to the automaton's state for its path: climb to the nearest folder that is remembered, or
 * to the root of the mount namespace, and come down again over the names passed. What cannot be climbed (no root, too
 * many levels, names still changing) is unresolved.
 */
#ifndef KRSI_WALK_BPF_H
#define KRSI_WALK_BPF_H

#include "folder.bpf.h"

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

#endif

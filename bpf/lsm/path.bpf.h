/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an object to the automaton's state for its path, mostly without reading the path: the state after
 * "/usr/share/doc/" belongs to that folder, and the last folders are remembered (folder.bpf.h). Then only the object's
 * own name is read; else there is a walk to be made (walk.bpf.h).
 */
#ifndef KRSI_PATH_BPF_H
#define KRSI_PATH_BPF_H

#include "walk.bpf.h"

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

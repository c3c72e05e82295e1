/* SPDX-License-Identifier: GPL-2.0-only */
/* The image in force, and one step of its automaton: the packed form that compiler/automaton.py makes. */
#ifndef KRSI_AUTOMATON_BPF_H
#define KRSI_AUTOMATON_BPF_H

#include "maps.bpf.h"

/* States that are none. The automaton's are below. */
enum {
	STATE_NONE = 0xffffffff,
	STATE_UNRESOLVED = 0xfffffffe,
	STATE_INTERNAL = 0xfffffffd, /* of an object that no path leads to, for it is the kernel's own */
};

static __always_inline bool state_is_known(u64 state)
{
	return state < STATE_INTERNAL;
}

extern const u32 image_words; /* a power of two, set before the object is loaded */

struct image {
	const void *base;
	const struct krsi_image *header; /* behind the words, so that what begins in the last word ends inside */
	u64 mask;
};

static __always_inline struct image image_of(const void *value)
{
	const u64 size = (u64)image_words * sizeof(u64);

	return (struct image) { .base = value, .header = value + size, .mask = size - 1 };
}

static __always_inline const void *image_at(const struct image *image, u64 place)
{
	return image->base + (place & image->mask);
}

/* The cell at @place and @offset behind it, as one word. In one register: clang would take three. */
static __always_inline u64 cell_at(const struct image *image, u64 place, u64 offset)
{
	asm("%0 += %1\n"
	    "%0 &= %2\n"
	    "%0 += %3"
	    : "+r"(offset) : "r"(place), "r"(image->mask), "r"(image->base));
	return *(const u64 *)offset;
}

static __always_inline u32 class_of_state(const struct image *image, u64 state)
{
	return ((const struct krsi_cell *)image_at(image, state))->owner >> KRSI_CLASS_SHIFT;
}

/* Whatever comes, the state stays what it is. */
static __always_inline bool state_is_closed(const struct image *image, u64 state)
{
	return ((const struct krsi_cell *)image_at(image, state))->owner & KRSI_MARK_CLOSED;
}

/*
 * Gives the next cell's `next`, with its mark. @byte is 8 times the byte. A cell is read as one word: the owner below,
 * next above. Without a loop around it: before v6.8, check_cfg() takes some layouts of a loop with a branch inside for
 * endless ones.
 */
static __always_inline u64 step(const struct image *image, u64 state, u64 byte)
{
	u64 cell = cell_at(image, state, byte);

	if ((u32)cell != (u32)state)
		cell = *(const u64 *)image_at(image, state);
	return cell >> 32;
}

/* The same without a branch: dearer to run, but a loop over it is cheap to verify. */
static __always_inline u64 step_straight(const struct image *image, u64 state, u64 byte)
{
	u64 cell = *(const u64 *)image_at(image, state + byte);
	u64 other = *(const u64 *)image_at(image, state);
	u64 strange = (u32)cell ^ state;

	strange = -strange >> 63; /* 1 if the cell is not this state's */
	barrier_var(strange);
	return (cell ^ ((cell ^ other) & -strange)) >> 32 & ~KRSI_MARK_STAYS;
}

static __always_inline u64 step_slash(const struct image *image, u64 state)
{
	return step(image, state, 8 * '/') & ~KRSI_MARK_STAYS;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_REFINE_H
#define KRSI_REFINE_H

#include <stdint.h>

/*
 * Partition refinement, for minimise.c. Blocks are split by what their states' rows look like with
 * blocks in place of states, until no block has two different rows. A row has to be looked at
 * again only when a state that it leads to has got another block; the largest part of a block that
 * is split keeps its name, so that a state is renamed at most log2(states) times (Hopcroft's
 * smaller half).
 */
struct refinement;

/* What a row looks like: the block that most bytes lead to, and the other bytes, ascending. */
struct krsi_look {
	uint32_t fallback;
	uint32_t count;
	uint8_t byte[256];
	uint32_t to[256];
};

/*
 * Look at the row of @state. Equal functions of the byte look equal, whatever target is the
 * default: of the blocks that most bytes lead to the one with the least number is.
 */
void krsi_look(const struct refinement *r, uint32_t state, struct krsi_look *look);

/* Put @block in the queue. */
void krsi_refine_enqueue(struct refinement *r, uint32_t block);

/* Look at the dirty states of the next block; return how many there were, or a negative errno. */
int64_t krsi_refine(struct refinement *r);

#endif

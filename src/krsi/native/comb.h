/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_COMB_H
#define KRSI_COMB_H

#include <stddef.h>
#include <stdint.h>

/*
 * The packed form that BPF code reads (struct krsi_cell in bpf/lsm/krsi.h): cells of two
 * little-endian numbers {owner, next}. A state is the place of its first cell in bytes, so a
 * multiple of 8. Byte c, 1 to 255, leads to the next of the cell at state + 8 * c if the state is
 * that cell's owner, else to the next of the first cell. The owner of a first cell is 8 * class
 * and its marks, of an unused cell 0xffffffff: no state is like that. The dead state is 0. There
 * are cells for all bytes of all states.
 */
enum {
	KRSI_COMB_FIRST = 1, /* of an owner: a first cell */
	KRSI_COMB_CLOSED = 2, /* of such: no byte leads out of the state */
	KRSI_COMB_STAYS = 4, /* of next: no byte but '/' leads out of it */
};

struct krsi_minimal;
struct krsi_comb;

/* @minimal must be done and outlive the comb. Return NULL and a negative errno in *@error. */
struct krsi_comb *krsi_comb_new(const struct krsi_minimal *minimal, size_t limit, int *error);
void krsi_comb_free(struct krsi_comb *comb);

/* Place up to @count rows. Return 1 if some are left, 0 if it is done, or a negative errno. */
int krsi_comb_step(struct krsi_comb *comb, uint32_t count);
uint32_t krsi_comb_placed(const struct krsi_comb *comb);

/* Once done: how many cells there are, where to start, and the cells, two numbers each. */
size_t krsi_comb_cells(const struct krsi_comb *comb);
uint32_t krsi_comb_start(const struct krsi_comb *comb);
void krsi_comb_write(const struct krsi_comb *comb, uint32_t *cells);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_MINIMISE_H
#define KRSI_MINIMISE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The least automaton that tells the same classes of accept sets apart: two paths lead to the same
 * state just if every continuation leads both to the same class.
 */
struct krsi_dfa;
struct krsi_minimal;

/*
 * Begin with @dfa, which must be done and must outlive the work. @classes, below 2^31, are of the
 * accept sets; that of set 0 must be 0. Return NULL and a negative errno in *@error.
 */
struct krsi_minimal *krsi_minimal_new(const struct krsi_dfa *dfa, const uint32_t *classes,
				      size_t limit, int *error);
void krsi_minimal_free(struct krsi_minimal *minimal);

/* Look at about @count states. Return 1 if some are left, 0 if it is done, or a negative errno. */
int krsi_minimal_step(struct krsi_minimal *minimal, uint32_t count);

/* States told apart so far; the states of the least automaton when done. */
uint32_t krsi_minimal_states(const struct krsi_minimal *minimal);

#endif

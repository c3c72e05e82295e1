/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_NFA_H
#define KRSI_NFA_H

#include <stddef.h>
#include <stdint.h>

/*
 * Patterns as one nondeterministic automaton, in which patterns that begin alike share their nodes.
 *
 * A program is the bytes of a pattern. A byte stands for itself; 0, which no path holds, begins an
 * instruction: 0 0 ends the program, 0 1 N is one byte of set N, 0 2 N any number of such bytes,
 * 0 3 N group N, and 0 4 begins the next branch of the group whose program this is. N is three
 * bytes, the lowest first. A group may refer to groups with lower numbers only.
 */
struct krsi_nfa;

/*
 * Read @groups programs, then @patterns programs, out of the @size bytes at @programs. Set i is
 * the 32 bytes at @sets + 32 * i, in which bit c % 8 of byte c / 8 says whether c is in it. Take
 * at most @limit bytes of memory. Return NULL and a negative errno in *@error: -E2BIG beyond the
 * limit, -EINVAL for what is no program.
 */
struct krsi_nfa *krsi_nfa_new(const uint8_t *programs, size_t size, uint32_t groups,
			      uint32_t patterns, const uint8_t *sets, uint32_t set_count,
			      size_t limit, int *error);
void krsi_nfa_free(struct krsi_nfa *nfa);

#endif

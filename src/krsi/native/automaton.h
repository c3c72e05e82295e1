/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_AUTOMATON_H
#define KRSI_AUTOMATON_H

#include <stddef.h>
#include <stdint.h>

/*
 * The deterministic automaton of an nfa. A state is a set of nodes, its accept set the patterns of
 * those. Work is done in steps, so that the caller can show progress and be interrupted.
 */
struct krsi_nfa;
struct krsi_dfa;

/* @nfa must outlive the building. Return NULL and a negative errno in *@error. */
struct krsi_dfa *krsi_dfa_new(const struct krsi_nfa *nfa, uint32_t max_states, size_t limit,
			      int *error);
void krsi_dfa_free(struct krsi_dfa *dfa);

/*
 * Work off up to @count states. Return 1 if some are left, 0 if it is done, -EOVERFLOW if there are
 * more than max_states, -E2BIG if it takes more memory than the limit, -ENOMEM if there is none.
 */
int krsi_dfa_step(struct krsi_dfa *dfa, uint32_t count);

/* States found so far and worked off so far. */
uint32_t krsi_dfa_found(const struct krsi_dfa *dfa);
uint32_t krsi_dfa_worked(const struct krsi_dfa *dfa);

/* Accept set i has the patterns from starts[i] to starts[i + 1] of the members; set 0 has none. */
uint32_t krsi_dfa_accepts(const struct krsi_dfa *dfa);
const uint32_t *krsi_dfa_accept_starts(const struct krsi_dfa *dfa);
const uint32_t *krsi_dfa_accept_members(const struct krsi_dfa *dfa);

#endif

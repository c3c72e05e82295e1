/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_BLAME_H
#define KRSI_BLAME_H

#include <stdint.h>

struct krsi_dfa;

/*
 * Say in @scores, one per pattern, how much each adds to the difference between the states found
 * so far: a node counts as often as it is in a state or as it is in none, whichever is rarer. @dfa
 * must not be done. Return 0 or -ENOMEM.
 */
int krsi_dfa_scores(struct krsi_dfa *dfa, uint64_t *scores);

#endif

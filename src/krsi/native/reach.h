/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_REACH_H
#define KRSI_REACH_H

struct krsi_nfa;

/* Find for each node the useful nodes, with edges or patterns, that it reaches without a byte. */
int krsi_nfa_find_reach(struct krsi_nfa *nfa);

#endif

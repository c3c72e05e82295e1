/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KRSI_SUBSETS_H
#define KRSI_SUBSETS_H

#include <stddef.h>
#include <stdint.h>

/* Sets of nodes, for the subset construction in automaton.c; stages.h says how they are kept. */
struct krsi_dfa;
struct krsi_nfa;

/* Number the empty set, which gets 0, and the set that @dfa starts in, which goes to *@start. */
int krsi_subsets_begin(struct krsi_dfa *dfa, uint32_t *start);
void krsi_subsets_free(struct krsi_dfa *dfa);

/* Put the edges of @nodes by bytes into buckets, by sets of bytes into set_label and set_to. */
int krsi_subsets_sort_edges(struct krsi_dfa *dfa, const uint32_t *nodes, size_t count);

/* Give in *@number the set that has what set @base has and what the bucket of @byte reaches. */
int krsi_subsets_extend(struct krsi_dfa *dfa, uint32_t base, uint32_t byte, uint32_t *number);

/* Make the row of a set of wild nodes, unless it is there. The buckets are used up. */
int krsi_subsets_wild_row(struct krsi_dfa *dfa, uint32_t wild);

#endif

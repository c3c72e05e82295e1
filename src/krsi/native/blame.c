// SPDX-License-Identifier: GPL-2.0-only
#include "blame.h"

#include "stages.h"

struct tally {
	struct words wild; /* states by their set of wild nodes */
	struct words node; /* states that each node is in */
	struct words seen; /* the last pattern that came by each node */
	struct words stack;
};

static void tally_nodes(const struct subsets *s, struct tally *tally)
{
	uint32_t state, wild;
	size_t i;

	for (state = 0; state < s->set_of.count; state++) {
		const uint32_t *items = lists_items(&s->sets, s->set_of.at[state]);

		tally->wild.at[items[0]]++;
		for (i = 1; i < lists_length(&s->sets, s->set_of.at[state]); i++)
			tally->node.at[items[i]]++;
	}
	for (wild = 0; wild < lists_count(&s->wilds); wild++)
		for (i = 0; i < lists_length(&s->wilds, wild); i++)
			tally->node.at[lists_items(&s->wilds, wild)[i]] += tally->wild.at[wild];
}

static uint32_t rarer(const struct subsets *s, uint32_t count)
{
	return count < s->set_of.count - count ? count : s->set_of.count - count;
}

/* Sum up the nodes of @pattern: from its end backwards by parents and by empty edges. */
static int score(struct krsi_dfa *dfa, struct tally *tally, uint32_t pattern, uint64_t *sum)
{
	const struct krsi_nfa *nfa = dfa->subsets->nfa;
	int error = words_push(&tally->stack, nfa->end.at[pattern], &dfa->budget);
	uint32_t i;

	*sum = 0;
	while (tally->stack.count && !error) {
		uint32_t node = tally->stack.at[--tally->stack.count];

		if (!node || tally->seen.at[node] == pattern)
			continue;
		tally->seen.at[node] = pattern;
		*sum += rarer(dfa->subsets, tally->node.at[node]);
		error = words_push(&tally->stack, nfa->parent.at[node], &dfa->budget);
		for (i = nfa->back_start.at[node]; i < nfa->back_start.at[node + 1] && !error; i++)
			error = words_push(&tally->stack, nfa->back.at[i], &dfa->budget);
	}
	return error;
}

static int tally_begin(const struct subsets *s, struct tally *tally, struct budget *budget)
{
	size_t nodes = s->nfa->parent.count;

	return words_fill(&tally->wild, lists_count(&s->wilds), 0, budget) ?:
	       words_fill(&tally->node, nodes, 0, budget) ?:
	       words_fill(&tally->seen, nodes, NONE, budget);
}

int krsi_dfa_scores(struct krsi_dfa *dfa, uint64_t *scores)
{
	struct tally tally = { 0 };
	struct words *all[] = { &tally.wild, &tally.node, &tally.seen, &tally.stack };
	uint32_t pattern;
	int error;
	size_t i;

	dfa->budget.limit = SIZE_MAX; /* it may be what has run out, and this takes little */
	error = tally_begin(dfa->subsets, &tally, &dfa->budget);
	if (!error)
		tally_nodes(dfa->subsets, &tally);
	for (pattern = 0; pattern < dfa->subsets->nfa->patterns && !error; pattern++)
		error = score(dfa, &tally, pattern, &scores[pattern]);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		words_free(all[i], &dfa->budget);
	return error;
}

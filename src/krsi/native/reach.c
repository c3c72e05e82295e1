// SPDX-License-Identifier: GPL-2.0-only
#include "reach.h"

#include "stages.h"

/*
 * What a node reaches is itself and what those reach that its empty edges lead to. These never go
 * round: each reads on in a pattern. So nodes are worked off depth first, behind all that they
 * lead to.
 */
struct walk {
	struct words stack;
	struct words next; /* of each node on the stack: its empty edge to go by next */
	struct words found;
};

static bool is_useful(const struct krsi_nfa *nfa, uint32_t node)
{
	return nfa->edge_start.at[node] != nfa->edge_start.at[node + 1] ||
	       nfa->accept_start.at[node] != nfa->accept_start.at[node + 1];
}

/* Put together what @node reaches, now that this is known of all that it leads to. */
static int finish(struct krsi_nfa *nfa, struct walk *walk, uint32_t node)
{
	int error = 0;
	uint32_t at;

	walk->found.count = 0;
	if (is_useful(nfa, node))
		error = words_push(&walk->found, node, &nfa->budget);
	for (at = nfa->out_start.at[node]; at < nfa->out_start.at[node + 1] && !error; at++) {
		uint32_t from = nfa->reach_start.at[nfa->out.at[at]];
		uint32_t to = nfa->reach_end.at[nfa->out.at[at]];

		error = words_append(&walk->found, nfa->reach.at + from, to - from, &nfa->budget);
	}
	words_sort_unique(&walk->found);
	nfa->reach_start.at[node] = nfa->reach.count;
	error = error ?: words_append(&nfa->reach, walk->found.at, walk->found.count, &nfa->budget);
	nfa->reach_end.at[node] = nfa->reach.count;
	return error;
}

static int go(struct krsi_nfa *nfa, struct walk *walk, uint32_t node)
{
	int error = words_push(&walk->stack, node, &nfa->budget);

	while (walk->stack.count && !error) {
		uint32_t at = walk->stack.at[walk->stack.count - 1];

		if (walk->next.at[at] < nfa->out_start.at[at + 1]) {
			uint32_t to = nfa->out.at[walk->next.at[at]++];

			if (nfa->reach_end.at[to] == NONE)
				error = words_push(&walk->stack, to, &nfa->budget);
			continue;
		}
		walk->stack.count--;
		if (nfa->reach_end.at[at] == NONE)
			error = finish(nfa, walk, at);
	}
	return error;
}

int krsi_nfa_find_reach(struct krsi_nfa *nfa)
{
	struct walk walk = { 0 };
	size_t nodes = nfa->parent.count;
	int error = words_append(&walk.next, nfa->out_start.at, nodes, &nfa->budget) ?:
		words_fill(&nfa->reach_start, nodes, 0, &nfa->budget) ?:
		words_fill(&nfa->reach_end, nodes, NONE, &nfa->budget);
	uint32_t node;

	for (node = 0; node < nodes && !error; node++)
		if (nfa->reach_end.at[node] == NONE)
			error = go(nfa, &walk, node);
	words_free(&walk.stack, &nfa->budget);
	words_free(&walk.next, &nfa->budget);
	words_free(&walk.found, &nfa->budget);
	return error;
}

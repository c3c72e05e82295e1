// SPDX-License-Identifier: GPL-2.0-only
#include "automaton.h"

#include "stages.h"
#include "subsets.h"

/* Give in *@state the state of @set, which is found now if it was not. */
static int find_state(struct krsi_dfa *dfa, uint32_t set, uint32_t *state)
{
	struct subsets *s = dfa->subsets;

	*state = s->state_of.at[set];
	if (*state != NONE)
		return 0;
	if (s->set_of.count >= s->max_states)
		return -EOVERFLOW;
	*state = s->set_of.count;
	s->state_of.at[set] = *state;
	return words_push(&s->set_of, set, &dfa->budget);
}

static int append_accepts(struct krsi_dfa *dfa, const uint32_t *nodes, size_t count)
{
	const struct krsi_nfa *nfa = dfa->subsets->nfa;
	int error = 0;
	size_t i;

	for (i = 0; i < count && !error; i++) {
		uint32_t at = nfa->accept_start.at[nodes[i]];

		error = words_append(&dfa->subsets->accept, nfa->accept.at + at,
				     nfa->accept_start.at[nodes[i] + 1] - at, &dfa->budget);
	}
	return error;
}

/* Append the accept set of @set to the states'. */
static int add_accepts(struct krsi_dfa *dfa, uint32_t set)
{
	struct subsets *s = dfa->subsets;
	const uint32_t *items = lists_items(&s->sets, set);
	uint32_t number;
	int error;

	s->accept.count = 0;
	error = append_accepts(dfa, items + 1, lists_length(&s->sets, set) - 1) ?:
		append_accepts(dfa, lists_items(&s->wilds, items[0]),
			       lists_length(&s->wilds, items[0]));
	if (error)
		return error;
	words_sort_unique(&s->accept);
	return lists_number(&dfa->accepts, s->accept.at, s->accept.count, &dfa->budget, &number) ?:
	       words_push(&dfa->accept, number, &dfa->budget);
}

/* --- rows --- */

static int add_edge(struct krsi_dfa *dfa, uint32_t byte, uint32_t set, uint32_t fallback)
{
	uint32_t state;

	if (set == fallback)
		return 0;
	return find_state(dfa, set, &state) ?: rows_edge(&dfa->rows, byte, state, &dfa->budget);
}

/* Append the row @from of wild nodes to the states' rows, with what the buckets add to it. */
static int add_row(struct krsi_dfa *dfa, uint32_t from)
{
	struct subsets *s = dfa->subsets;
	const struct rows *rows = &s->wild_rows;
	uint32_t at = rows->start.at[from], end = rows->start.at[from + 1], set;
	uint32_t fallback = rows->fallback.at[from], byte = buckets_next(&s->buckets, 0);
	int error = 0;

	while (!error && (at < end || byte < 256)) {
		if (at < end && rows->byte.at[at] < byte) {
			error = add_edge(dfa, rows->byte.at[at], rows->to.at[at], fallback);
			at++;
			continue;
		}
		set = fallback;
		if (at < end && rows->byte.at[at] == byte)
			set = rows->to.at[at++];
		error = krsi_subsets_extend(dfa, set, byte, &set) ?:
			add_edge(dfa, byte, set, fallback);
		byte = buckets_next(&s->buckets, byte + 1);
	}
	return error ?: find_state(dfa, fallback, &set) ?:
		rows_end(&dfa->rows, set, &dfa->budget);
}

/* Work off the next state. */
static int work(struct krsi_dfa *dfa)
{
	struct subsets *s = dfa->subsets;
	uint32_t set = s->set_of.at[rows_count(&dfa->rows)];
	uint32_t wild = lists_items(&s->sets, set)[0];
	int error = krsi_subsets_wild_row(dfa, wild) ?: add_accepts(dfa, set);

	return error ?: krsi_subsets_sort_edges(dfa, lists_items(&s->sets, set) + 1,
					   lists_length(&s->sets, set) - 1) ?:
		add_row(dfa, s->wild_row.at[wild]);
}

/* --- */

int krsi_dfa_step(struct krsi_dfa *dfa, uint32_t count)
{
	int error = 0;

	for (; dfa->subsets && count && !error; count--) {
		if (rows_count(&dfa->rows) < dfa->subsets->set_of.count)
			error = work(dfa);
		else
			krsi_subsets_free(dfa);
	}
	return error ?: !!dfa->subsets;
}

/* The empty accept set is the first, and so is the empty set, which is the dead state. */
static int begin(struct krsi_dfa *dfa)
{
	uint32_t number, start;

	return lists_init(&dfa->accepts, &dfa->budget) ?: rows_init(&dfa->rows, &dfa->budget) ?:
	       lists_number(&dfa->accepts, NULL, 0, &dfa->budget, &number) ?:
	       krsi_subsets_begin(dfa, &start) ?: find_state(dfa, 0, &number) ?:
	       find_state(dfa, start, &dfa->start);
}

struct krsi_dfa *krsi_dfa_new(const struct krsi_nfa *nfa, uint32_t max_states, size_t limit,
			      int *error)
{
	struct krsi_dfa *dfa = calloc(1, sizeof(*dfa));

	*error = -ENOMEM;
	if (!dfa)
		return NULL;
	dfa->budget.limit = limit;
	dfa->subsets = calloc(1, sizeof(*dfa->subsets));
	if (dfa->subsets) {
		dfa->subsets->nfa = nfa;
		dfa->subsets->max_states = max_states;
		*error = begin(dfa);
	}
	if (*error) {
		krsi_dfa_free(dfa);
		return NULL;
	}
	return dfa;
}

void krsi_dfa_free(struct krsi_dfa *dfa)
{
	if (dfa && dfa->subsets)
		krsi_subsets_free(dfa);
	if (dfa) {
		rows_free(&dfa->rows, &dfa->budget);
		words_free(&dfa->accept, &dfa->budget);
		lists_free(&dfa->accepts, &dfa->budget);
	}
	free(dfa);
}

uint32_t krsi_dfa_found(const struct krsi_dfa *dfa)
{
	return dfa->subsets ? dfa->subsets->set_of.count : krsi_dfa_worked(dfa);
}

uint32_t krsi_dfa_worked(const struct krsi_dfa *dfa)
{
	return rows_count(&dfa->rows);
}

uint32_t krsi_dfa_accepts(const struct krsi_dfa *dfa)
{
	return lists_count(&dfa->accepts);
}

const uint32_t *krsi_dfa_accept_starts(const struct krsi_dfa *dfa)
{
	return dfa->accepts.start.at;
}

const uint32_t *krsi_dfa_accept_members(const struct krsi_dfa *dfa)
{
	return dfa->accepts.items.at;
}

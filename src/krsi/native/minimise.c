// SPDX-License-Identifier: GPL-2.0-only
#include "minimise.h"

#include "refine.h"
#include "stages.h"

/* --- beginning --- */

/* Make a block of each class. */
static int begin_blocks(struct refinement *r)
{
	const struct krsi_dfa *dfa = r->dfa;
	uint32_t states = dfa->accept.count, state, block, at = 0;
	struct words *known = &r->moved;
	int error = words_append(known, r->classes, lists_count(&dfa->accepts), r->budget);

	if (error)
		return error;
	words_sort_unique(known);
	error = words_fill(&r->size, known->count, 0, r->budget) ?:
		words_fill(&r->first, known->count, 0, r->budget) ?:
		words_fill(&r->block, states, 0, r->budget) ?:
		words_fill(&r->order, states, 0, r->budget) ?:
		words_fill(&r->place, states, 0, r->budget) ?:
		words_fill(&r->queue, states, 0, r->budget);
	if (error)
		return error;
	for (state = 0; state < states; state++) {
		const uint32_t *found = bsearch(&r->classes[dfa->accept.at[state]], known->at,
						known->count, sizeof(*found), word_order);

		r->block.at[state] = found - known->at;
		r->size.at[r->block.at[state]]++;
	}
	for (block = 0; block < known->count; at += r->size.at[block++])
		r->first.at[block] = at;
	for (state = 0; state < states; state++) {
		r->place.at[state] = r->first.at[r->block.at[state]]++;
		r->order.at[r->place.at[state]] = state;
	}
	for (block = 0; block < known->count; block++)
		r->first.at[block] -= r->size.at[block];
	return 0;
}

/* Say whether the edge before edge @at of @state leads elsewhere. */
static bool is_first(const struct rows *rows, uint32_t state, uint32_t at)
{
	return at == rows->start.at[state] || rows->to.at[at] != rows->to.at[at - 1];
}

/* Find the states that lead to each state; one that does by several bytes in a row comes once. */
static int find_into(struct refinement *r)
{
	const struct rows *rows = &r->dfa->rows;
	uint32_t states = rows_count(rows), state, at, *start;
	int error = words_fill(&r->into_start, states + 2, 0, r->budget);

	if (error)
		return error;
	start = r->into_start.at;
	for (state = 0; state < states; state++) {
		start[rows->fallback.at[state] + 2]++;
		for (at = rows->start.at[state]; at < rows->start.at[state + 1]; at++)
			if (is_first(rows, state, at))
				start[rows->to.at[at] + 2]++;
	}
	for (state = 2; state < states + 2; state++)
		start[state] += start[state - 1];
	error = words_fill(&r->into, start[states + 1], 0, r->budget);
	for (state = 0; state < states && !error; state++) {
		r->into.at[start[rows->fallback.at[state] + 1]++] = state;
		for (at = rows->start.at[state]; at < rows->start.at[state + 1]; at++)
			if (is_first(rows, state, at))
				r->into.at[start[rows->to.at[at] + 1]++] = state;
	}
	return error;
}

static int begin(struct refinement *r)
{
	int error = begin_blocks(r) ?: find_into(r) ?:
		words_append(&r->dirty, r->size.at, r->size.count, r->budget);
	uint32_t block;

	for (block = 0; block < r->first.count && !error; block++)
		krsi_refine_enqueue(r, block);
	return error;
}

/* --- end --- */

/* Append the row of @block, which leads to blocks, and put these on the stack, the first on top. */
static int end_block(struct krsi_minimal *minimal, uint32_t block, struct words *stack)
{
	struct refinement *r = minimal->refinement;
	uint32_t state = r->order.at[r->first.at[block]], i;
	struct krsi_look look;
	int error;

	krsi_look(r, state, &look);
	error = words_push(&minimal->class, r->classes[r->dfa->accept.at[state]], r->budget) ?:
		words_push(stack, look.fallback, r->budget);
	for (i = 0; i < look.count && !error; i++)
		error = rows_edge(&minimal->rows, look.byte[i], look.to[i], &minimal->budget) ?:
			words_push(stack, look.to[look.count - 1 - i], &minimal->budget);
	return error ?: rows_end(&minimal->rows, look.fallback, &minimal->budget);
}

/* Turn blocks into states, numbered depth first so that what is read together lies together. */
static int end(struct krsi_minimal *minimal)
{
	struct refinement *r = minimal->refinement;
	struct rows *rows = &minimal->rows;
	struct words *number = &r->place, *stack = &r->into;
	uint32_t block;
	size_t i;
	int error;

	stack->count = 0;
	error = words_fill(number, r->first.count, NONE, &minimal->budget) ?:
		words_push(stack, r->block.at[r->dfa->start], &minimal->budget) ?:
		words_push(stack, r->block.at[0], &minimal->budget);
	while (stack->count && !error) {
		block = stack->at[--stack->count];
		if (number->at[block] != NONE)
			continue;
		number->at[block] = rows_count(rows);
		error = end_block(minimal, block, stack);
	}
	if (error)
		return error;
	for (i = 0; i < rows->to.count; i++)
		rows->to.at[i] = number->at[rows->to.at[i]];
	for (i = 0; i < rows_count(rows); i++)
		rows->fallback.at[i] = number->at[rows->fallback.at[i]];
	minimal->start = number->at[r->block.at[r->dfa->start]];
	return 0;
}

static void refinement_free(struct krsi_minimal *minimal)
{
	struct refinement *r = minimal->refinement;
	struct words *all[] = { &r->block, &r->order, &r->place, &r->first, &r->size, &r->dirty,
				&r->queue, &r->into_start, &r->into, &r->slots, &r->group_of,
				&r->group_state, &r->group_hash, &r->group_size, &r->moved };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		words_free(all[i], &minimal->budget);
	free(r);
	minimal->refinement = NULL;
}

int krsi_minimal_step(struct krsi_minimal *minimal, uint32_t count)
{
	struct refinement *r = minimal->refinement;
	int64_t looked = 0, left = count;
	int error;

	while (r && r->queued && looked >= 0 && left > 0) {
		looked = krsi_refine(r);
		left -= looked;
	}
	if (looked < 0)
		return looked;
	if (!r || r->queued)
		return !!r;
	error = end(minimal);
	if (!error)
		refinement_free(minimal);
	return error;
}

struct krsi_minimal *krsi_minimal_new(const struct krsi_dfa *dfa, const uint32_t *classes,
				      size_t limit, int *error)
{
	struct krsi_minimal *minimal = calloc(1, sizeof(*minimal));

	*error = -ENOMEM;
	if (!minimal)
		return NULL;
	minimal->budget.limit = limit;
	minimal->refinement = calloc(1, sizeof(*minimal->refinement));
	if (minimal->refinement) {
		minimal->refinement->dfa = dfa;
		minimal->refinement->classes = classes;
		minimal->refinement->budget = &minimal->budget;
		*error = rows_init(&minimal->rows, &minimal->budget) ?:
			 begin(minimal->refinement);
	}
	if (*error) {
		krsi_minimal_free(minimal);
		return NULL;
	}
	return minimal;
}

void krsi_minimal_free(struct krsi_minimal *minimal)
{
	if (minimal && minimal->refinement)
		refinement_free(minimal);
	if (minimal) {
		rows_free(&minimal->rows, &minimal->budget);
		words_free(&minimal->class, &minimal->budget);
	}
	free(minimal);
}

uint32_t krsi_minimal_states(const struct krsi_minimal *minimal)
{
	return minimal->refinement ? minimal->refinement->first.count : rows_count(&minimal->rows);
}

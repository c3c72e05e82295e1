// SPDX-License-Identifier: GPL-2.0-only
/*
 * Row displacement, first fit, rows with the most edges first. A map of the free cells is searched
 * 64 places at a time. Cells never become free again, so where a base and one edge did not fit
 * they never will: a search begins where each of its edges alone has last fitted.
 */
#include "comb.h"

#include "stages.h"

#define MAX_SEARCH 256 /* words that are searched before a row goes where the last base is */
#define MAX_WORDS (1 << 23) /* so that a cell's place in bytes is a number of 32 bits */
#define CELL 8 /* bytes of a cell */
#define REACH 5 /* words that the places of a row can spread over */

struct krsi_comb {
	struct budget budget;
	const struct krsi_minimal *minimal;
	struct words order; /* states in the order they are placed */
	struct words base; /* of each state */
	uint32_t placed;
	uint64_t *free; /* bit i of word j: cell 64 * j + i is free */
	size_t room; /* words */
	size_t last; /* word of the last base */
	size_t fits[256]; /* by byte: the first word where a base and that edge may fit */
};

static int reserve(struct krsi_comb *comb, size_t words)
{
	size_t had = comb->room;
	int error;

	if (words <= had)
		return 0;
	error = budget_resize(&comb->budget, (void **)&comb->free, &comb->room, grown(had, words),
			      sizeof(*comb->free));
	if (!error)
		memset(comb->free + had, 0xff, (comb->room - had) * sizeof(*comb->free));
	return error;
}

/* Say of the 64 cells from 64 * @word + @byte on which are free. */
static uint64_t free_from(const struct krsi_comb *comb, size_t word, uint32_t byte)
{
	const uint64_t *at = comb->free + word + byte / 64;
	uint32_t shift = byte % 64;

	return shift ? at[0] >> shift | at[1] << (64 - shift) : at[0];
}

/* Find the first word where a base and an edge by @byte fit. */
static int find_fit(struct krsi_comb *comb, uint32_t byte)
{
	size_t *word = &comb->fits[byte];
	int error;

	while (!(error = reserve(comb, *word + REACH)) &&
	       !(comb->free[*word] & free_from(comb, *word, byte)))
		++*word;
	return error;
}

/* Find the word to begin with for the edges from @at to @end. */
static int find_beginning(struct krsi_comb *comb, uint32_t at, uint32_t end, size_t *word)
{
	const uint8_t *byte = comb->minimal->rows.byte.at;
	int error = find_fit(comb, 0);

	for (*word = comb->fits[0]; at < end && !error; at++) {
		error = find_fit(comb, byte[at]);
		if (comb->fits[byte[at]] > *word)
			*word = comb->fits[byte[at]];
	}
	return error;
}

/* Say which of the 64 bases of @word fit the edges from @at to @end. */
static uint64_t bases_in(const struct krsi_comb *comb, size_t word, uint32_t at, uint32_t end)
{
	uint64_t fits = comb->free[word];

	for (; at < end && fits; at++)
		fits &= free_from(comb, word, comb->minimal->rows.byte.at[at]);
	return fits;
}

/* Find the first base for the edges from @at to @end, but do not search for ever. */
static int find_base(struct krsi_comb *comb, uint32_t at, uint32_t end, uint32_t *base)
{
	size_t word, searched;
	uint64_t fits = 0;
	int error = find_beginning(comb, at, end, &word);

	for (searched = 0; !error && !fits; searched++) {
		if (searched == MAX_SEARCH && word < comb->last)
			word = comb->last;
		error = word < MAX_WORDS ? reserve(comb, word + REACH) : -E2BIG;
		if (!error)
			fits = bases_in(comb, word++, at, end);
	}
	if (!error)
		*base = (word - 1) * 64 + __builtin_ctzll(fits);
	return error;
}

static void take(struct krsi_comb *comb, size_t cell)
{
	comb->free[cell / 64] &= ~(1ULL << (cell % 64));
}

static int place(struct krsi_comb *comb, uint32_t state)
{
	const struct rows *rows = &comb->minimal->rows;
	uint32_t at = rows->start.at[state], end = rows->start.at[state + 1], base;
	int error = find_base(comb, at, end, &base);

	if (error)
		return error;
	comb->base.at[state] = base;
	take(comb, base);
	for (; at < end; at++)
		take(comb, base + rows->byte.at[at]);
	if (comb->last < base / 64)
		comb->last = base / 64;
	return 0;
}

static uint32_t edges(const struct rows *rows, uint32_t state)
{
	return rows->start.at[state + 1] - rows->start.at[state];
}

/* Order the states by falling number of edges, the dead state first: it must get base 0. */
static int order_states(struct krsi_comb *comb)
{
	const struct rows *rows = &comb->minimal->rows;
	uint32_t next[257] = { 0 }, states = rows_count(rows), state, i;
	int error = words_fill(&comb->order, states, 0, &comb->budget) ?:
		words_fill(&comb->base, states, 0, &comb->budget);

	if (error)
		return error;
	next[0] = 1;
	for (state = 1; state < states; state++)
		next[256 - edges(rows, state)]++;
	for (i = 1; i < 257; i++)
		next[i] += next[i - 1];
	for (state = 1; state < states; state++)
		comb->order.at[next[255 - edges(rows, state)]++] = state;
	return 0;
}

int krsi_comb_step(struct krsi_comb *comb, uint32_t count)
{
	int error = 0;

	for (; comb->placed < comb->order.count && count && !error; count--)
		error = place(comb, comb->order.at[comb->placed++]);
	return error ?: comb->placed < comb->order.count;
}

struct krsi_comb *krsi_comb_new(const struct krsi_minimal *minimal, size_t limit, int *error)
{
	struct krsi_comb *comb = calloc(1, sizeof(*comb));

	*error = -ENOMEM;
	if (!comb)
		return NULL;
	comb->minimal = minimal;
	comb->budget.limit = limit;
	*error = order_states(comb);
	if (*error) {
		krsi_comb_free(comb);
		return NULL;
	}
	return comb;
}

void krsi_comb_free(struct krsi_comb *comb)
{
	if (comb) {
		words_free(&comb->order, &comb->budget);
		words_free(&comb->base, &comb->budget);
		free(comb->free);
	}
	free(comb);
}

uint32_t krsi_comb_placed(const struct krsi_comb *comb)
{
	return comb->placed;
}

size_t krsi_comb_cells(const struct krsi_comb *comb)
{
	uint32_t last = 0, state;

	for (state = 0; state < comb->base.count; state++)
		if (comb->base.at[state] > last)
			last = comb->base.at[state];
	return (size_t)last + 256;
}

uint32_t krsi_comb_start(const struct krsi_comb *comb)
{
	return CELL * comb->base.at[comb->minimal->start];
}

static uint32_t little(uint32_t number)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? number : __builtin_bswap32(number);
}

/* Whether only @but leads out of @state, if anything does; no byte is 0. */
static bool stays(const struct krsi_comb *comb, uint32_t state, uint8_t but)
{
	const struct rows *rows = &comb->minimal->rows;
	uint32_t at = rows->start.at[state];

	return rows->fallback.at[state] == state &&
	       (!edges(rows, state) || (edges(rows, state) == 1 && rows->byte.at[at] == but));
}

static uint32_t first_owner(const struct krsi_comb *comb, uint32_t state)
{
	return comb->minimal->class.at[state] * CELL | KRSI_COMB_FIRST |
	       (stays(comb, state, 0) ? KRSI_COMB_CLOSED : 0);
}

static uint32_t next(const struct krsi_comb *comb, uint32_t state)
{
	return CELL * comb->base.at[state] | (stays(comb, state, '/') ? KRSI_COMB_STAYS : 0);
}

static void write_cell(uint32_t *cells, size_t place, uint32_t owner, uint32_t to)
{
	cells[2 * place] = little(owner);
	cells[2 * place + 1] = little(to);
}

void krsi_comb_write(const struct krsi_comb *comb, uint32_t *cells)
{
	const struct rows *rows = &comb->minimal->rows;
	size_t count = krsi_comb_cells(comb), base;
	uint32_t state, at;

	for (base = 0; base < count; base++)
		write_cell(cells, base, NONE, 0);
	for (state = 0; state < rows_count(rows); state++) {
		base = comb->base.at[state];
		write_cell(cells, base, first_owner(comb, state),
			   next(comb, rows->fallback.at[state]));
		for (at = rows->start.at[state]; at < rows->start.at[state + 1]; at++)
			write_cell(cells, base + rows->byte.at[at], CELL * base,
				   next(comb, rows->to.at[at]));
	}
}

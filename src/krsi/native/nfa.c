// SPDX-License-Identifier: GPL-2.0-only
#include "nfa.h"

#include "reach.h"
#include "stages.h"

#define MAX_DEPTH 64 /* of groups */

enum { OP_END, OP_ONE, OP_MANY, OP_GROUP, OP_BRANCH };

struct reader {
	struct krsi_nfa *nfa;
	const uint8_t *at;
	size_t size;
	uint32_t groups;
};

/* --- reading programs --- */

static uint32_t argument_at(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16;
}

/* Give the length of the program at @offset, or 0 if it is none. */
static size_t program_length(const struct reader *r, size_t offset, size_t number)
{
	size_t i = offset;

	while (i + 1 < r->size) {
		uint8_t op = r->at[i + 1];
		uint32_t limit = r->nfa->set_count;

		if (r->at[i++])
			continue;
		i++;
		if (op == OP_END)
			return i - offset;
		if (op == OP_BRANCH && number < r->groups)
			continue;
		if (op == OP_GROUP)
			limit = number < r->groups ? number : r->groups;
		if (op > OP_GROUP || i + 3 > r->size || argument_at(r->at + i) >= limit)
			return 0;
		i += 3;
	}
	return 0;
}

static int find_programs(struct reader *r)
{
	struct krsi_nfa *nfa = r->nfa;
	size_t offset = 0, length, number;
	int error;

	if (r->size > UINT32_MAX)
		return -E2BIG;
	for (number = 0; number < (size_t)r->groups + nfa->patterns; number++) {
		length = program_length(r, offset, number);
		if (!length)
			return -EINVAL;
		error = words_push(&nfa->program, offset, &nfa->budget);
		if (error)
			return error;
		offset += length;
	}
	return 0;
}

/* --- programs -> trie --- */

static size_t node_slot(const struct krsi_nfa *nfa, uint32_t parent, uint32_t label)
{
	size_t mask = nfa->slots.count - 1;
	uint64_t hash = mix(parent, label);
	size_t slot = (hash ^ hash >> 32) & mask;

	for (; nfa->slots.at[slot] != NONE; slot = (slot + 1) & mask) {
		uint32_t node = nfa->slots.at[slot];

		if (nfa->parent.at[node] == parent && nfa->label.at[node] == label)
			break;
	}
	return slot;
}

static int nodes_rehash(struct krsi_nfa *nfa)
{
	int error = words_fill(&nfa->slots, nfa->slots.count * 2, NONE, &nfa->budget);
	uint32_t node;

	if (error)
		return error;
	for (node = 1; node < nfa->parent.count; node++)
		nfa->slots.at[node_slot(nfa, nfa->parent.at[node], nfa->label.at[node])] = node;
	return 0;
}

static int add_node(struct krsi_nfa *nfa, uint32_t parent, uint32_t label)
{
	int error = words_push(&nfa->parent, parent, &nfa->budget) ?:
		words_push(&nfa->label, label, &nfa->budget);

	if (error || nfa->parent.count * 2 <= nfa->slots.count)
		return error;
	return nodes_rehash(nfa);
}

static int add_empty(struct krsi_nfa *nfa, uint32_t from, uint32_t to)
{
	return words_push(&nfa->empty_from, from, &nfa->budget) ?:
	       words_push(&nfa->empty_to, to, &nfa->budget);
}

/* Go from *@node to its child; *@is_new says whether there was none. */
static int child(struct krsi_nfa *nfa, uint32_t *node, uint32_t label, bool *is_new)
{
	size_t slot = node_slot(nfa, *node, label);
	uint32_t found = nfa->slots.at[slot];

	*is_new = found == NONE;
	if (found == NONE) {
		uint32_t parent = *node;

		*node = nfa->parent.count;
		nfa->slots.at[slot] = *node;
		return add_node(nfa, parent, label);
	}
	*node = found;
	return 0;
}

static int read_branches(struct reader *r, uint32_t group, uint32_t from, uint32_t to, int depth);

/* Read what follows a 0 byte at *@at; *@more says whether the sequence goes on. */
static int read_instruction(struct reader *r, const uint8_t **at, uint32_t *node, int depth,
			    bool *more)
{
	static const uint32_t labels[] = { 0, LABEL_ONE, LABEL_MANY, LABEL_GROUP };
	uint8_t op = *(*at)++;
	uint32_t from = *node, argument;
	bool is_new;
	int error;

	*more = op == OP_ONE || op == OP_MANY || op == OP_GROUP;
	if (!*more)
		return 0;
	argument = argument_at(*at);
	*at += 3;
	error = child(r->nfa, node, labels[op] + argument, &is_new);
	if (error || !is_new)
		return error;
	if (op == OP_MANY)
		return add_empty(r->nfa, from, *node);
	return op == OP_GROUP ? read_branches(r, argument, from, *node, depth + 1) : 0;
}

/* Follow a program from *@node to where it or its first branch ends; *@at points behind that. */
static int read_sequence(struct reader *r, const uint8_t **at, uint32_t *node, int depth)
{
	bool more = true, is_new;
	int error = 0;

	while (more && !error) {
		uint8_t byte = *(*at)++;

		error = byte ? child(r->nfa, node, byte, &is_new) :
			       read_instruction(r, at, node, depth, &more);
	}
	return error;
}

static int read_branches(struct reader *r, uint32_t group, uint32_t from, uint32_t to, int depth)
{
	const uint8_t *at = r->at + r->nfa->program.at[group];
	int error;

	if (depth > MAX_DEPTH)
		return -EINVAL;
	do {
		uint32_t node = from;

		error = read_sequence(r, &at, &node, depth) ?: add_empty(r->nfa, node, to);
	} while (!error && at[-1] == OP_BRANCH);
	return error;
}

static int read_patterns(struct reader *r)
{
	struct krsi_nfa *nfa = r->nfa;
	uint32_t pattern, node;
	int error = words_fill(&nfa->slots, 64, NONE, &nfa->budget) ?: add_node(nfa, NONE, NONE);

	for (pattern = 0; pattern < nfa->patterns && !error; pattern++) {
		const uint8_t *at = r->at + nfa->program.at[r->groups + pattern];

		node = 0;
		error = read_sequence(r, &at, &node, 0) ?:
			words_push(&nfa->end, node, &nfa->budget);
	}
	words_free(&nfa->slots, &nfa->budget);
	return error;
}

/* --- trie -> edges --- */

static bool is_loop(uint32_t label)
{
	return label >= LABEL_MANY && label < LABEL_GROUP;
}

/* Give the node whose edge leads to @node, or NONE: groups are reached without a byte. */
static uint32_t edge_from(const struct krsi_nfa *nfa, uint32_t node)
{
	uint32_t label = nfa->label.at[node];

	if (!node || label >= LABEL_GROUP)
		return NONE;
	return is_loop(label) ? node : nfa->parent.at[node];
}

/*
 * Sort the numbers from 0 by their @keys into @groups, from @start[key] to @start[key + 1]; in
 * place of a number goes its value, if there are @values. Keys are nodes or NONE, whose numbers
 * are dropped.
 */
static int group_by(struct krsi_nfa *nfa, const struct words *keys, const struct words *values,
		    struct words *start, struct words *groups)
{
	size_t nodes = nfa->parent.count, i;
	int error = words_fill(start, nodes + 2, 0, &nfa->budget);

	if (error)
		return error;
	for (i = 0; i < keys->count; i++)
		if (keys->at[i] != NONE)
			start->at[keys->at[i] + 2]++;
	for (i = 2; i < nodes + 2; i++)
		start->at[i] += start->at[i - 1];
	error = words_fill(groups, start->at[nodes + 1], 0, &nfa->budget);
	if (error)
		return error;
	for (i = 0; i < keys->count; i++)
		if (keys->at[i] != NONE)
			groups->at[start->at[keys->at[i] + 1]++] = values ? values->at[i] : i;
	return 0;
}

static int find_edges(struct krsi_nfa *nfa)
{
	struct words from = { 0 };
	int error = words_fill(&from, nfa->parent.count, NONE, &nfa->budget) ?:
		words_fill(&nfa->is_wild, nfa->parent.count, 0, &nfa->budget);
	uint32_t node;

	for (node = 1; node < nfa->parent.count && !error; node++) {
		from.at[node] = edge_from(nfa, node);
		if (from.at[node] != NONE && nfa->label.at[node] >= LABEL_ONE)
			nfa->is_wild.at[from.at[node]] = 1;
	}
	error = error ?: group_by(nfa, &from, NULL, &nfa->edge_start, &nfa->edge);
	words_free(&from, &nfa->budget);
	return error;
}

/* --- */

static int build(struct reader *r)
{
	struct krsi_nfa *nfa = r->nfa;

	return find_programs(r) ?: read_patterns(r) ?: find_edges(nfa) ?:
	       group_by(nfa, &nfa->end, NULL, &nfa->accept_start, &nfa->accept) ?:
	       group_by(nfa, &nfa->empty_from, &nfa->empty_to, &nfa->out_start, &nfa->out) ?:
	       group_by(nfa, &nfa->empty_to, &nfa->empty_from, &nfa->back_start, &nfa->back) ?:
	       krsi_nfa_find_reach(nfa);
}

struct krsi_nfa *krsi_nfa_new(const uint8_t *programs, size_t size, uint32_t groups,
			      uint32_t patterns, const uint8_t *sets, uint32_t set_count,
			      size_t limit, int *error)
{
	struct krsi_nfa *nfa = calloc(1, sizeof(*nfa));
	struct reader r = { nfa, programs, size, groups };

	*error = -ENOMEM;
	if (!nfa)
		return NULL;
	nfa->budget.limit = limit;
	nfa->patterns = patterns;
	nfa->set_count = set_count;
	nfa->sets = malloc((size_t)set_count * SET_BYTES + 1);
	if (nfa->sets) {
		memcpy(nfa->sets, sets, (size_t)set_count * SET_BYTES);
		*error = build(&r);
	}
	if (*error) {
		krsi_nfa_free(nfa);
		return NULL;
	}
	return nfa;
}

static void free_words(struct krsi_nfa *nfa)
{
	struct words *all[] = { &nfa->program, &nfa->parent, &nfa->label, &nfa->slots,
				&nfa->empty_from, &nfa->empty_to, &nfa->end, &nfa->is_wild,
				&nfa->edge_start, &nfa->edge, &nfa->accept_start, &nfa->accept,
				&nfa->reach_start, &nfa->reach_end, &nfa->reach,
				&nfa->out_start, &nfa->out, &nfa->back_start, &nfa->back };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		words_free(all[i], &nfa->budget);
}

void krsi_nfa_free(struct krsi_nfa *nfa)
{
	if (!nfa)
		return;
	free_words(nfa);
	free(nfa->sets);
	free(nfa);
}

// SPDX-License-Identifier: GPL-2.0-only
#include "subsets.h"

#include "stages.h"

/* --- edges --- */

static void buckets_clear(struct buckets *buckets)
{
	memset(buckets->used, 0, sizeof(buckets->used));
	buckets->node.count = 0;
	buckets->next.count = 0;
}

static int buckets_add(struct buckets *buckets, uint32_t byte, uint32_t node,
		       struct budget *budget)
{
	uint32_t next = buckets_has(buckets, byte) ? buckets->first[byte] : NONE;

	buckets->used[byte / 64] |= 1ULL << (byte % 64);
	buckets->first[byte] = buckets->node.count;
	return words_push(&buckets->node, node, budget) ?: words_push(&buckets->next, next, budget);
}

static int sort_edge(struct krsi_dfa *dfa, uint32_t to)
{
	struct subsets *s = dfa->subsets;
	uint32_t label = s->nfa->label.at[to];

	if (label < LABEL_ONE)
		return buckets_add(&s->buckets, label, to, &dfa->budget);
	return words_push(&s->set_label, label & LABEL_NUMBER, &dfa->budget) ?:
	       words_push(&s->set_to, to, &dfa->budget);
}

int krsi_subsets_sort_edges(struct krsi_dfa *dfa, const uint32_t *nodes, size_t count)
{
	struct subsets *s = dfa->subsets;
	const struct words *start = &s->nfa->edge_start;
	int error = 0;
	uint32_t at;
	size_t i;

	buckets_clear(&s->buckets);
	s->set_label.count = 0;
	s->set_to.count = 0;
	for (i = 0; i < count; i++)
		for (at = start->at[nodes[i]]; at < start->at[nodes[i] + 1] && !error; at++)
			error = sort_edge(dfa, s->nfa->edge.at[at]);
	return error;
}

/* --- sets of nodes --- */

/* Give in *@number the set of wild nodes that are in set @base or have been collected. */
static int number_wilds(struct krsi_dfa *dfa, uint32_t base, uint32_t *number)
{
	struct subsets *s = dfa->subsets;
	int error;

	*number = base;
	if (!s->wild.count) /* as nearly always */
		return 0;
	error = words_append(&s->wild, lists_items(&s->wilds, base), lists_length(&s->wilds, base),
			     &dfa->budget);
	if (error)
		return error;
	words_sort_unique(&s->wild);
	error = lists_number(&s->wilds, s->wild.at, s->wild.count, &dfa->budget, number);
	if (error || *number < s->wild_row.count)
		return error;
	return words_push(&s->wild_row, NONE, &dfa->budget);
}

/* Give in *@number the set of the nodes collected and of those in the set @wilds of wild nodes. */
static int number_set(struct krsi_dfa *dfa, uint32_t wilds, uint32_t *number)
{
	struct subsets *s = dfa->subsets;
	struct words nodes = { s->plain.at + 1, s->plain.count - 1, 0 };
	int error;

	words_sort_unique(&nodes);
	error = number_wilds(dfa, wilds, &s->plain.at[0]) ?:
		lists_number(&s->sets, s->plain.at, nodes.count + 1, &dfa->budget, number);
	if (error || *number < s->state_of.count)
		return error;
	return words_push(&s->state_of, NONE, &dfa->budget);
}

/* Begin to collect a set; the first of its numbers will be that of its wild nodes. */
static int collect_nothing(struct krsi_dfa *dfa)
{
	dfa->subsets->wild.count = 0;
	dfa->subsets->plain.count = 0;
	return words_push(&dfa->subsets->plain, 0, &dfa->budget);
}

/* Collect @node and what it reaches without a byte. */
static int collect(struct krsi_dfa *dfa, uint32_t node)
{
	struct subsets *s = dfa->subsets;
	const struct krsi_nfa *nfa = s->nfa;
	uint32_t i;
	int error = 0;

	for (i = nfa->reach_start.at[node]; i < nfa->reach_end.at[node] && !error; i++) {
		uint32_t found = nfa->reach.at[i];

		error = words_push(nfa->is_wild.at[found] ? &s->wild : &s->plain, found,
				   &dfa->budget);
	}
	return error;
}

int krsi_subsets_extend(struct krsi_dfa *dfa, uint32_t base, uint32_t byte, uint32_t *number)
{
	struct subsets *s = dfa->subsets;
	const uint32_t *items = lists_items(&s->sets, base);
	uint32_t i = s->buckets.first[byte];
	int error = collect_nothing(dfa) ?:
		words_append(&s->plain, items + 1, lists_length(&s->sets, base) - 1, &dfa->budget);

	for (; i != NONE && !error; i = s->buckets.next.at[i])
		error = collect(dfa, s->buckets.node.at[i]);
	return error ?: number_set(dfa, items[0], number);
}

/* --- rows of sets of wild nodes --- */

/* Groups of bytes that none of the sets in some edges tells apart. */
struct partition {
	uint8_t group[256]; /* of each byte */
	uint32_t target[256]; /* of each group: a set of nodes */
	uint32_t groups;
	uint32_t largest;
};

static void split_groups(struct partition *partition, const struct krsi_nfa *nfa, uint32_t set)
{
	uint16_t renamed[512]; /* by group and whether the byte is in the set */
	uint32_t byte, count = 0;

	memset(renamed, 0xff, sizeof(renamed));
	for (byte = 1; byte < 256; byte++) {
		uint16_t *name = &renamed[partition->group[byte] * 2 + set_has(nfa, set, byte)];

		if (*name == 0xffff)
			*name = count++;
		partition->group[byte] = *name;
	}
	partition->groups = count;
}

/* Give in *@number the set that the edges by sets of bytes reach by @byte. */
static int follow(struct krsi_dfa *dfa, uint32_t byte, uint32_t *number)
{
	struct subsets *s = dfa->subsets;
	int error = collect_nothing(dfa);
	size_t i;

	for (i = 0; i < s->set_to.count && !error; i++)
		if (set_has(s->nfa, s->set_label.at[i], byte))
			error = collect(dfa, s->set_to.at[i]);
	return error ?: number_set(dfa, 0, number);
}

/* Partition the bytes by the edges by sets of bytes, and follow these. */
static int find_partition(struct krsi_dfa *dfa, struct partition *partition)
{
	struct subsets *s = dfa->subsets;
	uint32_t first[256], bytes[256] = { 0 }, byte, group;
	int error = 0;
	size_t i;

	memset(partition, 0, sizeof(*partition));
	partition->groups = 1;
	for (i = 0; i < s->set_label.count; i++)
		if (!i || s->set_label.at[i] != s->set_label.at[i - 1])
			split_groups(partition, s->nfa, s->set_label.at[i]);
	for (byte = 255; byte; byte--) {
		first[partition->group[byte]] = byte;
		bytes[partition->group[byte]]++;
	}
	for (group = 0; group < partition->groups && !error; group++) {
		error = follow(dfa, first[group], &partition->target[group]);
		if (bytes[group] > bytes[partition->largest])
			partition->largest = group;
	}
	return error;
}

int krsi_subsets_wild_row(struct krsi_dfa *dfa, uint32_t wild)
{
	struct subsets *s = dfa->subsets;
	struct partition partition;
	uint32_t byte, fallback, to;
	int error;

	if (s->wild_row.at[wild] != NONE)
		return 0;
	s->wild_row.at[wild] = rows_count(&s->wild_rows);
	error = krsi_subsets_sort_edges(dfa, lists_items(&s->wilds, wild),
				   lists_length(&s->wilds, wild)) ?:
		find_partition(dfa, &partition);
	if (error)
		return error;
	fallback = partition.target[partition.largest];
	for (byte = 1; byte < 256 && !error; byte++) {
		to = partition.target[partition.group[byte]];
		if (buckets_has(&s->buckets, byte))
			error = krsi_subsets_extend(dfa, to, byte, &to);
		if (!error && to != fallback)
			error = rows_edge(&s->wild_rows, byte, to, &dfa->budget);
	}
	return error ?: rows_end(&s->wild_rows, fallback, &dfa->budget);
}

/* --- beginning and end --- */

int krsi_subsets_begin(struct krsi_dfa *dfa, uint32_t *start)
{
	struct subsets *s = dfa->subsets;
	uint32_t empty;

	return lists_init(&s->wilds, &dfa->budget) ?: lists_init(&s->sets, &dfa->budget) ?:
	       rows_init(&s->wild_rows, &dfa->budget) ?:
	       lists_number(&s->wilds, NULL, 0, &dfa->budget, &empty) ?:
	       words_push(&s->wild_row, NONE, &dfa->budget) ?: collect_nothing(dfa) ?:
	       number_set(dfa, empty, &empty) ?: collect(dfa, 0) ?: number_set(dfa, 0, start);
}

void krsi_subsets_free(struct krsi_dfa *dfa)
{
	struct subsets *s = dfa->subsets;
	struct words *all[] = { &s->state_of, &s->set_of, &s->wild_row, &s->buckets.node,
				&s->buckets.next, &s->plain, &s->wild, &s->set_label,
				&s->set_to, &s->accept };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		words_free(all[i], &dfa->budget);
	lists_free(&s->wilds, &dfa->budget);
	lists_free(&s->sets, &dfa->budget);
	rows_free(&s->wild_rows, &dfa->budget);
	free(s);
	dfa->subsets = NULL;
}

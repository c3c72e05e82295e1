/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arrays and lists of numbers within a budget. The compiler of automata takes no other memory: an
 * exploding pattern set must end in an error, not in the machine's last page.
 */
#ifndef KRSI_WORDS_H
#define KRSI_WORDS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* Bytes that are taken and that may be. */
struct budget {
	size_t used;
	size_t limit;
};

/* A growing array of numbers. */
struct words {
	uint32_t *at;
	size_t count;
	size_t room;
};

/* A growing array of bytes. */
struct bytes {
	uint8_t *at;
	size_t count;
	size_t room;
};

/* Distinct lists of numbers, numbered from 0 in the order they came. */
struct lists {
	struct words items; /* all lists, one behind the other */
	struct words start; /* of each list, and of what would be the next */
	struct words hash; /* of each list */
	struct words slots; /* hash table of numbers, or NONE; its size is a power of two */
};

/* Make the array at *@at @room long and say so in *@had; what it holds stays. */
static inline int budget_resize(struct budget *budget, void **at, size_t *had, size_t room,
				size_t size)
{
	size_t others = budget->used - *had * size;
	void *now;

	if (room > UINT32_MAX || room > (budget->limit - others) / size)
		return -E2BIG;
	now = realloc(*at, room * size);
	if (!now)
		return -ENOMEM;
	*at = now;
	*had = room;
	budget->used = others + room * size;
	return 0;
}

static inline size_t grown(size_t room, size_t need)
{
	size_t more = room + room / 2 + 16;

	return more < need ? need : more;
}

static inline int words_reserve(struct words *words, size_t more, struct budget *budget)
{
	size_t need = words->count + more;

	if (need <= words->room)
		return 0;
	return budget_resize(budget, (void **)&words->at, &words->room, grown(words->room, need),
			     sizeof(*words->at));
}

static inline int words_push(struct words *words, uint32_t word, struct budget *budget)
{
	int error = words_reserve(words, 1, budget);

	if (!error)
		words->at[words->count++] = word;
	return error;
}

static inline int words_append(struct words *words, const uint32_t *from, size_t count,
			       struct budget *budget)
{
	int error = words_reserve(words, count, budget);

	if (error || !count)
		return error;
	memcpy(words->at + words->count, from, count * sizeof(*from));
	words->count += count;
	return 0;
}

/* Make @words just @count long, each @word. */
static inline int words_fill(struct words *words, size_t count, uint32_t word,
			     struct budget *budget)
{
	int error;
	size_t i;

	words->count = 0;
	error = words_reserve(words, count, budget);
	if (error)
		return error;
	for (i = 0; i < count; i++)
		words->at[i] = word;
	words->count = count;
	return 0;
}

static inline void words_free(struct words *words, struct budget *budget)
{
	free(words->at);
	budget->used -= words->room * sizeof(*words->at);
	*words = (struct words){ 0 };
}

static inline int bytes_push(struct bytes *bytes, uint8_t byte, struct budget *budget)
{
	int error = 0;

	if (bytes->count == bytes->room)
		error = budget_resize(budget, (void **)&bytes->at, &bytes->room,
				      grown(bytes->room, 0), 1);
	if (!error)
		bytes->at[bytes->count++] = byte;
	return error;
}

static inline void bytes_free(struct bytes *bytes, struct budget *budget)
{
	free(bytes->at);
	budget->used -= bytes->room;
	*bytes = (struct bytes){ 0 };
}

static inline int word_order(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

/* Sort and drop what is there twice; nearly all lists are a handful long. */
static inline void words_sort_unique(struct words *words)
{
	size_t i, j, kept = 0;

	if (words->count > 32) {
		qsort(words->at, words->count, sizeof(*words->at), word_order);
	} else {
		for (i = 1; i < words->count; i++) {
			uint32_t word = words->at[i];

			for (j = i; j && words->at[j - 1] > word; j--)
				words->at[j] = words->at[j - 1];
			words->at[j] = word;
		}
	}
	for (i = 0; i < words->count; i++)
		if (!i || words->at[i] != words->at[i - 1])
			words->at[kept++] = words->at[i];
	words->count = kept;
}

static inline uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ (hash >> 29);
}

static inline const uint32_t *lists_items(const struct lists *lists, uint32_t number)
{
	return lists->items.at + lists->start.at[number];
}

static inline size_t lists_length(const struct lists *lists, uint32_t number)
{
	return lists->start.at[number + 1] - lists->start.at[number];
}

static inline size_t lists_count(const struct lists *lists)
{
	return lists->hash.count;
}

static inline int lists_init(struct lists *lists, struct budget *budget)
{
	int error = words_push(&lists->start, 0, budget);

	return error ?: words_fill(&lists->slots, 64, NONE, budget);
}

static inline void lists_free(struct lists *lists, struct budget *budget)
{
	words_free(&lists->items, budget);
	words_free(&lists->start, budget);
	words_free(&lists->hash, budget);
	words_free(&lists->slots, budget);
}

static inline int lists_rehash(struct lists *lists, struct budget *budget)
{
	size_t mask = lists->slots.count * 2 - 1, slot;
	int error = words_fill(&lists->slots, mask + 1, NONE, budget);
	uint32_t number;

	if (error)
		return error;
	for (number = 0; number < lists_count(lists); number++) {
		for (slot = lists->hash.at[number] & mask; lists->slots.at[slot] != NONE;)
			slot = (slot + 1) & mask;
		lists->slots.at[slot] = number;
	}
	return 0;
}

static inline bool lists_equal(const struct lists *lists, uint32_t number, const uint32_t *items,
			       size_t count)
{
	return lists_length(lists, number) == count &&
	       (!count || !memcmp(lists_items(lists, number), items, count * sizeof(*items)));
}

/* Append a list that is not there yet; @slot is where it belongs. */
static inline int lists_append(struct lists *lists, const uint32_t *items, size_t count,
			       uint32_t hash, size_t slot, struct budget *budget)
{
	int error = words_append(&lists->items, items, count, budget);

	if (!error)
		error = words_reserve(&lists->start, 1, budget);
	if (!error)
		error = words_reserve(&lists->hash, 1, budget);
	if (error)
		return error;
	lists->slots.at[slot] = lists_count(lists);
	lists->start.at[lists->start.count++] = lists->items.count;
	lists->hash.at[lists->hash.count++] = hash;
	return lists_count(lists) * 2 > lists->slots.count ? lists_rehash(lists, budget) : 0;
}

/* Give *@number of the list @items, which is taken in if it is new. */
static inline int lists_number(struct lists *lists, const uint32_t *items, size_t count,
			       struct budget *budget, uint32_t *number)
{
	size_t mask = lists->slots.count - 1, slot, i;
	uint64_t hash = count;

	for (i = 0; i < count; i++)
		hash = mix(hash, items[i]);
	hash ^= hash >> 32;
	for (slot = hash & mask; lists->slots.at[slot] != NONE; slot = (slot + 1) & mask) {
		*number = lists->slots.at[slot];
		if (lists->hash.at[*number] == (uint32_t)hash &&
		    lists_equal(lists, *number, items, count))
			return 0;
	}
	*number = lists_count(lists);
	return lists_append(lists, items, count, hash, slot, budget);
}

#endif

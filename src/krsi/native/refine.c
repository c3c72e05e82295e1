// SPDX-License-Identifier: GPL-2.0-only
#include "refine.h"

#include "stages.h"

/* --- looking --- */

static void add_look(struct krsi_look *look, uint8_t byte, uint32_t to)
{
	if (to == look->fallback)
		return;
	look->byte[look->count] = byte;
	look->to[look->count++] = to;
}

/* Give the most frequent of the 255 numbers behind @to, of several the least. */
static uint32_t most_frequent(const uint32_t *to)
{
	uint32_t sorted[255], best = 0, run = 0, most = 0, i;

	memcpy(sorted, to + 1, sizeof(sorted));
	qsort(sorted, 255, sizeof(sorted[0]), word_order);
	for (i = 0; i < 255; i++) {
		run = i && sorted[i] == sorted[i - 1] ? run + 1 : 1;
		if (run > most) {
			most = run;
			best = sorted[i];
		}
	}
	return best;
}

void krsi_look(const struct refinement *r, uint32_t state, struct krsi_look *look)
{
	const struct rows *rows = &r->dfa->rows;
	uint32_t at = rows->start.at[state], end = rows->start.at[state + 1], to[256], i;

	look->fallback = r->block.at[rows->fallback.at[state]];
	look->count = 0;
	if (end - at < 128) { /* more than half of the bytes take the default */
		for (; at < end; at++)
			add_look(look, rows->byte.at[at], r->block.at[rows->to.at[at]]);
		return;
	}
	for (i = 0; i < 256; i++)
		to[i] = look->fallback;
	for (; at < end; at++)
		to[rows->byte.at[at]] = r->block.at[rows->to.at[at]];
	look->fallback = most_frequent(to);
	for (i = 1; i < 256; i++)
		add_look(look, i, to[i]);
}

static uint32_t look_hash(const struct krsi_look *look)
{
	uint64_t hash = look->fallback;
	uint32_t i;

	for (i = 0; i < look->count; i++)
		hash = mix(hash, (uint64_t)look->byte[i] << 32 | look->to[i]);
	return hash ^ hash >> 32;
}

static bool look_equal(const struct krsi_look *a, const struct krsi_look *b)
{
	return a->fallback == b->fallback && a->count == b->count &&
	       !memcmp(a->byte, b->byte, a->count) &&
	       !memcmp(a->to, b->to, a->count * sizeof(a->to[0]));
}

/* --- blocks --- */

void krsi_refine_enqueue(struct refinement *r, uint32_t block)
{
	size_t tail = r->head + r->queued++;

	r->queue.at[tail < r->queue.count ? tail : tail - r->queue.count] = block;
}

static uint32_t dequeue(struct refinement *r)
{
	uint32_t block = r->queue.at[r->head];

	r->head = r->head + 1 == r->queue.count ? 0 : r->head + 1;
	r->queued--;
	return block;
}

static void put(struct refinement *r, uint32_t state, uint32_t place)
{
	r->order.at[place] = state;
	r->place.at[state] = place;
}

/* Have @state looked at again. */
static void mark(struct refinement *r, uint32_t state)
{
	uint32_t block = r->block.at[state], place = r->place.at[state];
	uint32_t end = r->first.at[block] + r->dirty.at[block];

	if (place < end)
		return;
	put(r, r->order.at[end], place);
	put(r, state, end);
	if (!r->dirty.at[block]++)
		krsi_refine_enqueue(r, block);
}

static int add_block(struct refinement *r, uint32_t first, uint32_t size)
{
	return words_push(&r->first, first, r->budget) ?: words_push(&r->size, size, r->budget) ?:
	       words_push(&r->dirty, 0, r->budget);
}

/* Make a block of @size states from place @first on, and remember them as moved. */
static int split_off(struct refinement *r, uint32_t first, uint32_t size)
{
	uint32_t block = r->first.count, place;

	for (place = first; place < first + size; place++)
		r->block.at[r->order.at[place]] = block;
	return words_append(&r->moved, r->order.at + first, size, r->budget) ?:
	       add_block(r, first, size);
}

/* --- splitting a block --- */

static int add_group(struct refinement *r, size_t slot, uint32_t state, uint32_t hash)
{
	r->slots.at[slot] = r->group_state.count;
	return words_push(&r->group_state, state, r->budget) ?:
	       words_push(&r->group_hash, hash, r->budget) ?:
	       words_push(&r->group_size, 0, r->budget);
}

/* Find the group of the states that look like @state, or make it. */
static int group_state(struct refinement *r, uint32_t state)
{
	size_t mask = r->slots.count - 1, slot;
	struct krsi_look look, other;
	uint32_t hash, group;
	int error = 0;

	krsi_look(r, state, &look);
	hash = look_hash(&look);
	for (slot = hash & mask; r->slots.at[slot] != NONE; slot = (slot + 1) & mask) {
		group = r->slots.at[slot];
		if (r->group_hash.at[group] != hash)
			continue;
		krsi_look(r, r->group_state.at[group], &other);
		if (look_equal(&look, &other))
			break;
	}
	if (r->slots.at[slot] == NONE)
		error = add_group(r, slot, state, hash);
	if (error)
		return error;
	group = r->slots.at[slot];
	r->group_size.at[group]++;
	return words_push(&r->group_of, group, r->budget);
}

/* Group the dirty states of @block, and put each group's states together. */
static int group_dirty(struct refinement *r, uint32_t block)
{
	uint32_t first = r->first.at[block], count = r->dirty.at[block], i, sum = 0;
	size_t slots = 16;
	int error;

	while (slots < 2 * (size_t)count)
		slots *= 2;
	r->group_of.count = r->group_state.count = r->group_hash.count = r->group_size.count = 0;
	error = words_fill(&r->slots, slots, NONE, r->budget);
	for (i = 0; i < count && !error; i++)
		error = group_state(r, r->order.at[first + i]);
	r->moved.count = 0;
	error = error ?: words_append(&r->moved, r->order.at + first, count, r->budget);
	if (error)
		return error;
	for (i = 0; i < r->group_size.count; i++) { /* group_hash: where the group goes on */
		r->group_hash.at[i] = first + sum;
		sum += r->group_size.at[i];
	}
	for (i = 0; i < count; i++)
		put(r, r->moved.at[i], r->group_hash.at[r->group_of.at[i]]++);
	return 0;
}

/* Split @block into its groups and the states that are not dirty; the largest keeps the name. */
static int split(struct refinement *r, uint32_t block)
{
	uint32_t first = r->first.at[block], clean = r->size.at[block] - r->dirty.at[block];
	uint32_t largest = NONE, most = clean, group, size, at = first;
	int error = 0;

	for (group = 0; group < r->group_size.count; group++) {
		if (r->group_size.at[group] > most) {
			most = r->group_size.at[group];
			largest = group;
		}
	}
	r->moved.count = 0;
	for (group = 0; group < r->group_size.count && !error; group++, at += size) {
		size = r->group_size.at[group];
		if (group == largest)
			r->first.at[block] = at;
		else
			error = split_off(r, at, size);
	}
	if (!error && largest == NONE)
		r->first.at[block] = at;
	else if (!error && clean)
		error = split_off(r, at, clean);
	r->size.at[block] = most;
	r->dirty.at[block] = 0;
	return error;
}

static void mark_before(struct refinement *r, uint32_t state)
{
	uint32_t at;

	for (at = r->into_start.at[state]; at < r->into_start.at[state + 1]; at++)
		mark(r, r->into.at[at]);
}

int64_t krsi_refine(struct refinement *r)
{
	uint32_t block = dequeue(r), count = r->dirty.at[block];
	int error = group_dirty(r, block) ?: split(r, block);
	size_t i;

	for (i = 0; i < r->moved.count && !error; i++)
		mark_before(r, r->moved.at[i]);
	return error ?: (int64_t)count;
}


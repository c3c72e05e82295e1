// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzes the stages of native/ with programs made of the input's bytes, some of them broken, under
 * memory limits that run out anywhere. What survives must be consistent: the cells and the
 * deterministic automaton agree on every path. Built with -fsanitize=fuzzer it is a target; alone
 * it makes up inputs from a seed: automaton SEED SECONDS. tests/fuzz/automaton.py builds and runs
 * it.
 */
#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "automaton.h"
#include "blame.h"
#include "comb.h"
#include "minimise.h"
#include "nfa.h"
#include "stages.h"

#define PROGRAM_ROOM 4096
#define MAX_STATES 20000
#define MAX_ITEMS 200

struct input {
	const uint8_t *at;
	size_t left;
};

struct programs {
	uint8_t at[PROGRAM_ROOM];
	size_t size;
	uint32_t groups, patterns, sets;
	uint8_t bitmaps[8 * SET_BYTES];
};

static uint8_t take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static void emit(struct programs *p, uint8_t byte)
{
	if (p->size < PROGRAM_ROOM)
		p->at[p->size++] = byte;
}

static void emit_instruction(struct programs *p, uint8_t op, uint32_t argument)
{
	emit(p, 0);
	emit(p, op);
	emit(p, argument);
	emit(p, argument >> 8);
	emit(p, argument >> 16);
}

/* Make one program; of the input's bytes some are instructions, and what is neither ends it. */
static void make_program(struct programs *p, struct input *in, uint32_t groups, bool is_group)
{
	int items;

	for (items = 0; items < MAX_ITEMS; items++) {
		uint8_t byte = take(in);

		if (byte < 8)
			break;
		if (byte < 16 && is_group) {
			emit(p, 0);
			emit(p, 4);
		} else if (byte < 64 && p->sets) {
			emit_instruction(p, 1 + byte % 2, byte / 2 % p->sets);
		} else if (byte < 96 && groups) {
			emit_instruction(p, 3, byte % groups);
		} else {
			emit(p, byte < 224 ? "/ab."[byte % 4] : take(in) | 1);
		}
	}
	emit(p, 0);
	emit(p, 0);
}

static void make_programs(struct programs *p, struct input *in)
{
	uint32_t i, byte;

	memset(p, 0, sizeof(*p));
	p->sets = take(in) % 9;
	for (i = 0; i < p->sets; i++) {
		uint8_t kind = take(in);

		for (byte = 1; byte < 256; byte++)
			if (kind < 64 || (kind < 128 && byte != '/') ||
			    (kind >= 128 && byte * kind % 7 == 3))
				p->bitmaps[i * SET_BYTES + byte / 8] |= 1 << byte % 8;
	}
	p->groups = take(in) % 5;
	p->patterns = take(in) % 12;
	for (i = 0; i < p->groups; i++)
		make_program(p, in, i, true);
	for (i = 0; i < p->patterns; i++)
		make_program(p, in, p->groups, false);
	for (i = take(in) < 32 ? 3 : 0; i && p->size; i--)
		p->at[(take(in) | take(in) << 8) % p->size] = take(in);
}

/* --- what must hold --- */

static uint32_t next_state(const struct rows *rows, uint32_t state, uint8_t byte)
{
	uint32_t at;

	for (at = rows->start.at[state]; at < rows->start.at[state + 1]; at++)
		if (rows->byte.at[at] == byte)
			return rows->to.at[at];
	return rows->fallback.at[state];
}

static void check_paths(const struct krsi_dfa *dfa, const uint32_t *classes, const uint32_t *cells,
			uint32_t start, struct input *in)
{
	uint32_t state = dfa->start, packed = start, steps;

	for (steps = 0; steps < 300; steps++) {
		uint8_t byte = in->left ? take(in) : "/ab.x"[steps * 7 % 5];
		const uint32_t *first = &cells[packed / 4], *cell;

		byte = byte ? byte : '/';
		assert(first[0] & KRSI_COMB_FIRST);
		assert(first[0] >> 3 == classes[dfa->accept.at[state]]);
		cell = first + 2 * byte;
		packed = (cell[0] == packed ? cell[1] : first[1]) & ~(uint32_t)KRSI_COMB_STAYS;
		state = next_state(&dfa->rows, state, byte);
		if (byte == '.' && steps % 3) {
			state = dfa->start;
			packed = start;
		}
	}
}

/* --- the stages; each returns what the next needs, or NULL if a limit or a program was bad --- */

static struct krsi_dfa *make_dfa(const struct programs *p, size_t limit)
{
	struct krsi_dfa *dfa = NULL;
	struct krsi_nfa *nfa;
	uint64_t scores[16];
	int error, more = 1;

	nfa = krsi_nfa_new(p->at, p->size, p->groups, p->patterns, p->bitmaps, p->sets, limit,
			   &error);
	assert(nfa || error == -EINVAL || error == -E2BIG);
	if (nfa)
		dfa = krsi_dfa_new(nfa, MAX_STATES, limit, &error);
	assert(!nfa || dfa || error == -E2BIG);
	while (dfa && more > 0)
		more = krsi_dfa_step(dfa, 97);
	assert(!dfa || !more || more == -E2BIG || more == -EOVERFLOW);
	if (dfa && more < 0) {
		error = krsi_dfa_scores(dfa, scores);
		assert(!error);
		krsi_dfa_free(dfa);
		dfa = NULL;
	}
	krsi_nfa_free(nfa);
	return dfa;
}

static struct krsi_minimal *make_minimal(const struct krsi_dfa *dfa, const uint32_t *classes,
					 size_t limit)
{
	int error, more = 1;
	struct krsi_minimal *minimal = krsi_minimal_new(dfa, classes, limit, &error);

	assert(minimal || error == -E2BIG);
	while (minimal && more > 0)
		more = krsi_minimal_step(minimal, 50);
	assert(!minimal || !more || more == -E2BIG);
	if (minimal && more < 0) {
		krsi_minimal_free(minimal);
		minimal = NULL;
	}
	return minimal;
}

static void pack(const struct krsi_dfa *dfa, const struct krsi_minimal *minimal,
		 const uint32_t *classes, struct input *in, size_t limit)
{
	int error, more = 1;
	struct krsi_comb *comb = krsi_comb_new(minimal, limit, &error);
	uint32_t *cells;

	assert(comb || error == -E2BIG);
	while (comb && more > 0)
		more = krsi_comb_step(comb, 33);
	assert(!comb || !more || more == -E2BIG);
	if (comb && !more) {
		cells = malloc(krsi_comb_cells(comb) * 2 * sizeof(*cells));
		assert(cells);
		krsi_comb_write(comb, cells);
		check_paths(dfa, classes, cells, krsi_comb_start(comb), in);
		free(cells);
	}
	krsi_comb_free(comb);
}

static void run(const struct programs *p, struct input *in, size_t limit)
{
	struct krsi_dfa *dfa = make_dfa(p, limit);
	struct krsi_minimal *minimal = NULL;
	uint32_t *classes = NULL, i;

	if (dfa) {
		classes = calloc(krsi_dfa_accepts(dfa), sizeof(*classes));
		assert(classes);
		for (i = 1; i < krsi_dfa_accepts(dfa); i++)
			classes[i] = in->left && in->at[0] & 1 ? i : i * 2654435761u >> 29;
		minimal = make_minimal(dfa, classes, limit);
	}
	if (minimal) {
		assert(krsi_minimal_states(minimal) <= krsi_dfa_found(dfa) + 1);
		pack(dfa, minimal, classes, in, limit);
	}
	krsi_minimal_free(minimal);
	krsi_dfa_free(dfa);
	free(classes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size }, rest;
	struct programs p;
	size_t limit;

	make_programs(&p, &in);
	rest = in;
	run(&p, &rest, 1 << 26);
	limit = 512 + take(&in) * 16;
	for (; limit < 1 << 16; limit += limit / 4) {
		rest = in;
		run(&p, &rest, limit);
	}
	return 0;
}

#ifndef FUZZER
int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, random;
	time_t end = time(NULL) + (argc > 2 ? atoi(argv[2]) : 10);
	uint8_t data[600];
	uint64_t runs;
	size_t i;

	for (runs = 0; time(NULL) < end; runs++, seed++) {
		random = seed * 0x9e3779b97f4a7c15;
		for (i = 0; i < sizeof(data); i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			data[i] = random >> 24;
		}
		fprintf(stderr, "\r%llu", (unsigned long long)seed);
		LLVMFuzzerTestOneInput(data, sizeof(data) - random % 550);
	}
	fprintf(stderr, "\r%llu inputs, all is well\n", (unsigned long long)runs);
	return 0;
}
#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the compiler of path patterns hands on from stage to stage: patterns -> krsi_nfa ->
 * krsi_dfa -> krsi_minimal -> krsi_comb. All functions return 0 or a negative errno.
 */
#ifndef KRSI_STAGES_H
#define KRSI_STAGES_H

#include "words.h"

#define SET_BYTES 32

/* The label of a node is a byte, or one of these and the number of a set or group. */
#define LABEL_ONE 0x1000000
#define LABEL_MANY 0x2000000
#define LABEL_GROUP 0x3000000
#define LABEL_NUMBER 0xffffff

/*
 * A node stands for what has been read of a pattern: what its parent stands for, then its label.
 * "Any number of" and groups are entered and left by empty edges, so that the nodes are a trie and
 * patterns that begin alike share them. Node 0 is the beginning.
 */
struct krsi_nfa {
	struct budget budget;
	uint8_t *sets;
	uint32_t set_count;
	uint32_t patterns;
	struct words program; /* where each program begins, groups first */
	struct words parent, label; /* of each node */
	struct words slots; /* while nodes are added: hash table of them by parent and label */
	struct words empty_from, empty_to; /* empty edges */
	struct words end; /* of each pattern: its last node */

	/* What follows is ordered by node: node n has what stands from start[n] to start[n + 1]. */
	struct words edge_start, edge; /* to where; by which bytes says the label of that */
	struct words accept_start, accept; /* patterns that end here */
	struct words out_start, out; /* to where empty edges lead */
	struct words back_start, back; /* from where empty edges come */
	struct words is_wild; /* whether a set of bytes leads on from here */
	struct words reach_start, reach_end, reach; /* useful nodes reached without a byte */
};

/* Rows of a transition table. Bytes are 1 to 255; no edge leads to where its row's default does. */
struct rows {
	struct words fallback; /* of each row: the default */
	struct words start; /* of each row's edges, and of what would be the next row's */
	struct bytes byte; /* of each edge, ascending in a row */
	struct words to; /* of each edge */
};

/* Nodes by the byte that leads to them. */
struct buckets {
	uint64_t used[4]; /* bit b of these: bucket b is not empty */
	uint32_t first[256]; /* of each bucket that is not empty: place in node and next */
	struct words node, next;
};

/*
 * Sets of nodes, in two parts: of the nodes in a set only few, the wild ones, lead on by whole
 * sets of bytes, and most sets have the same few. So a set is the number of its set of wild nodes
 * and its plain nodes, which are a handful. The row of a set of wild nodes is made once; the row
 * of a set of nodes is a copy of it but for the bytes of its plain nodes.
 */
struct subsets {
	const struct krsi_nfa *nfa;
	uint32_t max_states;
	struct lists wilds; /* sets of wild nodes */
	struct lists sets; /* sets of nodes: the number of the wild ones, then the plain ones */
	struct words state_of, set_of; /* state of each set, or NONE; set of each state */
	struct words wild_row; /* of each set of wild nodes, or NONE */
	struct rows wild_rows; /* lead to sets, not states */
	struct buckets buckets;
	struct words plain, wild; /* nodes of the set that is being collected */
	struct words set_label, set_to; /* edges by sets of bytes */
	struct words accept; /* patterns of the state that is worked off */
};

/* A deterministic automaton. State 0 is dead. */
struct krsi_dfa {
	struct budget budget;
	struct rows rows;
	struct words accept; /* of each state: its accept set */
	struct lists accepts; /* accept sets: sorted patterns; set 0 is empty */
	uint32_t start;
	struct subsets *subsets; /* while it is being built */
};

/* A partition of the states of an automaton into blocks. */
struct refinement {
	const struct krsi_dfa *dfa;
	const uint32_t *classes;
	struct budget *budget;
	struct words block; /* of each state */
	struct words order; /* states by block, within a block the dirty ones first */
	struct words place; /* of each state in the order */
	struct words first, size, dirty; /* of each block: place, states, states to look at again */
	struct words queue; /* ring of the blocks with dirty states */
	size_t head, queued;
	struct words into_start, into; /* the states that lead to each state */
	struct words slots, group_of, group_state, group_hash, group_size; /* scratch */
	struct words moved; /* states that got another block */
};

/* The least automaton for a classification of the accept sets. State 0 is dead. */
struct krsi_minimal {
	struct budget budget;
	struct rows rows;
	struct words class; /* of each state */
	uint32_t start;
	struct refinement *refinement; /* while it is being built */
};

static inline bool set_has(const struct krsi_nfa *nfa, uint32_t set, uint32_t byte)
{
	return nfa->sets[(size_t)set * SET_BYTES + byte / 8] >> (byte % 8) & 1;
}

static inline size_t rows_count(const struct rows *rows)
{
	return rows->fallback.count;
}

static inline int rows_init(struct rows *rows, struct budget *budget)
{
	return words_push(&rows->start, 0, budget);
}

static inline int rows_edge(struct rows *rows, uint8_t byte, uint32_t to, struct budget *budget)
{
	return bytes_push(&rows->byte, byte, budget) ?: words_push(&rows->to, to, budget);
}

/* End the row whose edges came last. */
static inline int rows_end(struct rows *rows, uint32_t fallback, struct budget *budget)
{
	return words_push(&rows->start, rows->to.count, budget) ?:
	       words_push(&rows->fallback, fallback, budget);
}

static inline void rows_free(struct rows *rows, struct budget *budget)
{
	words_free(&rows->fallback, budget);
	words_free(&rows->start, budget);
	bytes_free(&rows->byte, budget);
	words_free(&rows->to, budget);
}

static inline bool buckets_has(const struct buckets *buckets, uint32_t byte)
{
	return buckets->used[byte / 64] >> (byte % 64) & 1;
}

/* Give the least byte from @byte on whose bucket is not empty, or 256. */
static inline uint32_t buckets_next(const struct buckets *buckets, uint32_t byte)
{
	for (; byte < 256; byte = (byte | 63) + 1) {
		uint64_t word = buckets->used[byte / 64] >> (byte % 64);

		if (word)
			return byte + __builtin_ctzll(word);
	}
	return 256;
}

#endif

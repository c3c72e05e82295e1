/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decide(): what a policy says about an access. The specification is src/krsi/policy/model.py, and
 * tests/kernel/test_oracle.py holds the one against the other: change both or neither.
 */
#ifndef KRSI_DECIDE_BPF_H
#define KRSI_DECIDE_BPF_H

#include "automaton.bpf.h"

enum {
	UNCONFINED = 0,
	CANDIDATES = 64, /* for a path class, that are looked through; compiler/lower.py refuses more */
	NOBODY = 0xffffffff,
};

/* By what an image decides: it and a domain in it. */
struct policy {
	struct image image;
	const struct krsi_domain *domain;
	u32 number; /* of the domain */
};

/* An object as the policy sees it. */
struct name {
	u64 state; /* of the automaton after its path, a folder's with its last slash; or a STATE_ that is none */
	u32 owner; /* enum krsi_owner */
	bool is_folder;
};

/* What a record says to one kind of owner. */
struct weight {
	u32 allow;
	u32 kill;
	u32 log;
};

/* Accesses, each a part of those that were asked for. */
struct decision {
	u32 refused;
	u32 killed;
	u32 logged;
	bool launders; /* refused for what the new name would grant */
};

static __always_inline const struct krsi_domain *domain_of(const struct image *image, u32 number)
{
	return image_at(image, image->header->domains + number * sizeof(struct krsi_domain));
}

static __always_inline const struct krsi_record *record_in(const struct policy *policy, u64 state)
{
	const struct image *image = &policy->image;
	const struct krsi_cell *cell;
	u32 path_class;

	if (!state_is_known(state))
		return image_at(image, image->header->unresolved);
	path_class = class_of_state(image, state);
	cell = image_at(image, policy->domain->records + path_class * sizeof(*cell));
	return image_at(image, cell->owner == policy->number ? cell->next : policy->domain->fallback);
}

static __always_inline struct weight weigh(const struct krsi_record *record, u32 owner)
{
	/* An unknown owner is both. Without branches: each would double what the verifier looks at. */
	u32 one = owner & 1, other = (owner | owner >> 1) & 1;

	return (struct weight) {
		.allow = record->allow[one] & record->allow[other],
		.kill = record->kill[one] | record->kill[other],
		.log = record->log[one] | record->log[other],
	};
}

static __always_inline struct decision judge(const struct policy *policy, struct weight weight, u32 access)
{
	access &= policy->domain->mediated;
	return (struct decision) {
		.refused = access & ~weight.allow,
		.killed = access & weight.kill,
		.logged = access & weight.log,
	};
}

/*
 * Whether by the name of @to more could be done to @from than by its own, or it would run as another. A folder takes
 * all that lies in it along: then both names must mean the same to the automaton, whatever follows.
 */
static __always_inline bool launders(const struct name *from, const struct krsi_record *old, const struct name *to,
				     const struct krsi_record *new)
{
	struct weight before = weigh(old, from->owner), after = weigh(new, from->owner);

	if (from->is_folder != to->is_folder || (from->is_folder && from->state != to->state))
		return true;
	if (after.allow & ~before.allow & ~KRSI_ACCESS_NAMING)
		return true;
	return after.allow & KRSI_ACCESS_EXEC && old->next != new->next;
}

/*
 * @from gets the name of @to, and is taken from whatever has it, whose owner @to tells; or, in an @exchange, the other
 * way round too. What is asked for is asked of both names.
 */
static __always_inline struct decision decide_move(const struct policy *policy, u32 access, const struct name *from,
						   const struct name *to, bool exchange)
{
	const struct krsi_record *old = record_in(policy, from->state), *new = record_in(policy, to->state);
	u32 owner = from->owner == to->owner ? from->owner : KRSI_OWNER_UNKNOWN;
	struct decision here = judge(policy, weigh(old, exchange ? owner : from->owner), access);
	struct decision there = judge(policy, weigh(new, owner), access);

	here.refused |= there.refused;
	here.killed |= there.killed;
	here.logged |= there.logged;
	if (here.refused || !(access & policy->domain->mediated))
		return here;
	here.launders = launders(from, old, to, new) || (exchange && launders(to, new, from, old));
	if (here.launders) {
		here.refused = access;
		here.logged = access;
	}
	return here;
}

/* The profile that an unconfined task of @uid enters by a file at @state; NOBODY if none matches. */
static __always_inline u32 matched_domain(const struct image *image, u64 state, u32 uid)
{
	struct policy unconfined = { .image = *image, .domain = domain_of(image, UNCONFINED) };
	u32 i, place = record_in(&unconfined, state)->entry;
	const struct krsi_entry *entry;

	for (i = 0; place && i < CANDIDATES; i++, place += sizeof(*entry)) {
		entry = image_at(image, place);
		if (entry->flags & KRSI_CANDIDATE_ANY_UID || entry->uid == uid)
			return entry->domain;
		if (entry->flags & KRSI_CANDIDATE_LAST)
			break;
	}
	return NOBODY;
}

/* The domain that an exec leads to which is allowed; NOBODY if the policy wants one and none matches. */
static __always_inline u32 domain_after(const struct policy *policy, u64 state, u32 uid)
{
	u32 next = policy->number ? record_in(policy, state)->next : KRSI_EXEC_MATCHED;

	if (next == KRSI_EXEC_KEEP)
		return policy->number;
	if (next != KRSI_EXEC_MATCHED)
		return next;
	next = matched_domain(&policy->image, state, uid);
	return next == NOBODY && !policy->number ? UNCONFINED : next;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Who asks: the current task, its domain, and the policy in force. */
#ifndef KRSI_SUBJECT_BPF_H
#define KRSI_SUBJECT_BPF_H

#include "compat.bpf.h"
#include "decide.bpf.h"

struct subject {
	struct task_struct *task;
	kaddr own;	      /* the task's struct krsi_task, to be read only */
	struct policy policy; /* its image is without base if it could not be had: then whoever is confined is refused */
};

static __always_inline struct image image_in_force(void)
{
	const u32 first = 0;
	void *images_first = bpf_map_lookup_elem(&images, &first);
	void *value = images_first ? bpf_map_lookup_elem(images_first, &first) : NULL;

	return value ? image_of(value) : (struct image) {};
}

enum {
	STORAGES = 256, /* of a task, that are looked through; a kernel with more of them has none of ours */
};

static __always_inline bool storage_is_ours(kaddr data)
{
	return load_kaddr(data, struct bpf_local_storage_data, smap) == kaddr_of(&tasks);
}

struct search {
	kaddr node;
	kaddr data; /* what was found, or that of a null pointer */
};

static long search_step(u32 index, struct search *search)
{
	kaddr elem = search->node - bpf_core_field_offset(struct bpf_local_storage_elem, snode);

	if (!kaddr_pointer(search->node))
		return 1;
	search->node = load_kaddr(search->node, struct hlist_node, next);
	if (!storage_is_ours(elem + bpf_core_field_offset(struct bpf_local_storage_elem, sdata)))
		return 0;
	search->data = elem + bpf_core_field_offset(struct bpf_local_storage_elem, sdata);
	return 1;
}

/*
 * Before v6.2 bpf_task_storage_get() finds nothing while anybody else on this CPU is in the middle of such a call, and
 * before v7.2 it is slow to find what is not at hand. Nobody goes free for that: the task's storages are looked through.
 */
static __noinline u64 search_storage(kaddr storage)
{
	struct search search = {
		.node = load_kaddr(storage, struct bpf_local_storage, list.first),
		.data = 0,
	};

	bpf_loop(STORAGES, search_step, &search, 0);
	return search.data;
}

/*
 * Find the task's own struct krsi_task, to be read only. The slot is looked at in which bpf_task_storage_get() itself
 * keeps the answer: that is a third of the helper's price.
 */
static __always_inline bool own_storage(struct subject *subject)
{
	struct bpf_local_storage *storage = subject->task->bpf_storage;
	kaddr data;

	if (!storage) /* most of the system */
		return false;
	anchor_drop();
	data = kaddr_of(storage) + sizeof(void *) * ((struct bpf_local_storage_map *)&tasks)->cache_idx;
	data = load_kaddr(data, struct bpf_local_storage, cache[0]);
	if (!storage_is_ours(data))
		data = search_storage(kaddr_of(storage));
	if (data)
		subject->own = data + bpf_core_field_offset(struct bpf_local_storage_data, data);
	return data;
}

/* Take the policy in force, for whoever is in domain @number. */
static __always_inline void subject_enters(struct subject *subject, u32 number)
{
	subject->policy.number = number;
	subject->policy.image = image_in_force();
	subject->policy.domain = subject->policy.image.base ? domain_of(&subject->policy.image, number) : NULL;
}

/* Whether the current task is confined; if so, @subject is filled. */
static __always_inline bool subject_is_confined(struct subject *subject)
{
	u32 number;

	subject->task = (struct task_struct *)bpf_get_current_task_btf();
	if (!own_storage(subject))
		return false;
	number = load_int((void *)kaddr_pointer(subject->own));
	if (!number)
		return false;
	subject_enters(subject, number);
	return true;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paths as text, for records only: climbed twice, to measure and to write, until no name changes meanwhile. One loop
 * with a state, as in walk.bpf.h; the state lies in the draft.
 */
#ifndef KRSI_TEXT_BPF_H
#define KRSI_TEXT_BPF_H

#include "path.bpf.h"

enum {
	TEXT_STEPS = 1 << 17,
	TEXT_ATTEMPTS = 64,
	TEXT_ROOM = 2 * KRSI_PATH, /* a power of two */
};

static __always_inline long text_pass(struct krsi_draft *draft, u64 measuring)
{
	draft->dentry = draft->object;
	draft->mnt = draft->object_mnt;
	draft->measuring = measuring;
	return 0;
}

static __always_inline long text_begin(struct krsi_draft *draft)
{
	draft->epoch = epoch_now();
	draft->attempts++;
	draft->len = draft->is_folder;
	draft->cut = 0;
	return text_pass(draft, 1);
}

static __always_inline long text_lost(struct krsi_draft *draft)
{
	draft->len = 0;
	return 1;
}

/* What is written stands if no name changed. */
static __always_inline long text_written(struct krsi_draft *draft)
{
	u64 attempts = draft->attempts;

	if (epoch_is_settled(draft->epoch) && epoch_now() == draft->epoch)
		return 1;
	return attempts < TEXT_ATTEMPTS ? text_begin(draft) : text_lost(draft);
}

/* The byte at @offset, which the verifier must see to lie inside. */
static __always_inline char *text_at(struct krsi_draft *draft, u64 offset)
{
	return &draft->text[bounded(offset, TEXT_ROOM - 1)];
}

static __always_inline long text_measured(struct krsi_draft *draft)
{
	u64 len = draft->len;

	if (!len) /* the root folder has no name */
		len = 1;
	draft->cut = len >= KRSI_PATH;
	if (len >= KRSI_PATH)
		len = KRSI_PATH - 1;
	draft->len = len;
	draft->offset = draft->begin + len;
	if (draft->is_folder || len == 1) {
		draft->offset--;
		*text_at(draft, draft->offset) = '/';
	}
	return text_pass(draft, 0);
}

static __always_inline long text_top(struct krsi_draft *draft, kaddr mount)
{
	if (namespace_of_top(mount) != STATE_NONE)
		return text_lost(draft);
	return draft->measuring ? text_measured(draft) : text_written(draft);
}

static __always_inline long text_mount(struct krsi_draft *draft)
{
	kaddr mount = draft->mnt - bpf_core_field_offset(struct mount, mnt);
	kaddr parent = load_kaddr(mount, struct mount, mnt_parent);

	if (parent == mount)
		return text_top(draft, mount);
	draft->dentry = load_kaddr(mount, struct mount, mnt_mountpoint);
	draft->mnt = parent + bpf_core_field_offset(struct mount, mnt);
	return 0;
}

/* Put '/' and a name of @len bytes before what is written, or as much of their end as there is room for. */
static __always_inline long text_name(struct krsi_draft *draft, u64 name, u32 len)
{
	u64 room = draft->offset - draft->begin;
	u64 offset = draft->offset;
	bool fits = len < room;

	if (!fits) {
		name += len - room;
		len = room;
	}
	offset -= len;
	if (bpf_probe_read_kernel(text_at(draft, offset), bounded(len, NAME_ROOM - 1), (void *)name))
		return text_lost(draft);
	if (!fits)
		return text_written(draft);
	*text_at(draft, offset - 1) = '/';
	draft->offset = offset - 1;
	return 0;
}

static long text_step(u32 index, struct krsi_draft **drafted)
{
	struct krsi_draft *draft = *drafted;
	kaddr parent, dentry = draft->dentry;
	u32 len;

	if (dentry == load_kaddr(draft->mnt, struct vfsmount, mnt_root))
		return text_mount(draft);
	parent = load_kaddr(dentry, struct dentry, d_parent);
	len = load_field(dentry, struct dentry, d_name.len);
	if (parent == dentry || len >= NAME_ROOM)
		return text_lost(draft);
	draft->dentry = parent;
	if (!draft->measuring)
		return text_name(draft, (u64)load_field(dentry, struct dentry, d_name.name), len);
	draft->len += len + 1;
	return 0;
}

/* Write the path of draft->object at draft->begin of its text. Fills len and cut. */
static __noinline int write_path(struct krsi_draft *draft)
{
	anchor_drop();
	text_begin(draft);
	if (bpf_loop(TEXT_STEPS, text_step, &draft, 0) == TEXT_STEPS)
		draft->len = 0;
	return 0;
}

static __always_inline struct krsi_draft *draft_take(void)
{
	u32 i, slot = bpf_ktime_get_ns() >> 4;
	struct krsi_draft *draft;

	for (i = 0; i < 4; i++) {
		slot = (slot + 1) & (KRSI_DRAFTS - 1);
		draft = bpf_map_lookup_elem(&drafts, &slot);
		if (draft && !__sync_val_compare_and_swap(&draft->lock, 0, 1))
			return draft;
	}
	return NULL;
}

static __always_inline void draft_path(struct krsi_draft *draft, kaddr mnt, kaddr dentry, bool is_folder)
{
	draft->object = dentry;
	draft->object_mnt = mnt;
	draft->is_folder = is_folder;
	draft->attempts = 0;
	draft->len = 0;
	draft->cut = 0;
	if (dentry)
		write_path(draft);
}

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tell user space what was decided. A record that finds no room is counted by the gap in the sequence numbers and
 * changes no verdict.
 *
 * The usual record is that of an object in a folder where something was told before: the folder's path is still at
 * hand as text (struct krsi_text), and the record is written straight into the ring. Any other is drafted first.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include "emit.bpf.h"
#include "text.bpf.h"

static __always_inline void tell_subject(struct krsi_event *event, const struct report *report)
{
	const kaddr times = report->own + __builtin_offsetof(struct krsi_task, image_ns);
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf(), *ancestor = task;
	u64 *comm = __builtin_preserve_access_index((u64 *)&task->comm);
	int i;

	event->image_ns = load_field(times, struct timespec64, tv_sec);
	event->start_ns = load_field(times, struct timespec64, tv_nsec);
	event->domain = report->domain;
	event->generation = report->generation;
	event->mode = report->mode;
	event->tgid = task->tgid;
	event->tid = task->pid;
	event->uid = task->cred->uid.val;
	event->gid = task->cred->gid.val;
	event->euid = task->cred->euid.val;
	((u64 *)event->comm)[0] = comm[0];
	((u64 *)event->comm)[1] = comm[1];
	for (i = 0; i < KRSI_ANCESTORS; i++) {
		ancestor = ancestor->real_parent;
		event->ancestors[i] = ancestor->tgid;
		if (event->ancestors[i] <= 1)
			break;
	}
}

static __always_inline void tell_inode(struct krsi_event *event, kaddr inode)
{
	event->device = load_field(load_kaddr(inode, struct inode, i_sb), struct super_block, s_dev);
	event->inode = load_field(inode, struct inode, i_ino);
	event->file_mode = load_field(inode, struct inode, i_mode);
	event->file_uid = load_field(inode, struct inode, i_uid.val);
}

static __always_inline void tell_report(struct krsi_event *event, const struct report *report)
{
	event->kind = report->kind;
	event->hook = report->hook;
	event->seq = __sync_fetch_and_add(&sequence, 1);
	event->boottime_ns = bpf_ktime_get_boot_ns();
	event->verdict = report->verdict;
	event->reason = report->reason;
	event->access = report->access;
	event->refused = report->refused;
	event->logged = report->logged;
	event->owner = report->owner;
	event->errno = report->errno;
	event->next = report->next;
	event->argc = report->argc;
	event->path_class = report->path_class;
	event->target_class = report->target_class;
	event->device = 0;
	event->inode = 0;
	event->file_mode = report->is_folder ? S_IFDIR : 0;
	event->file_uid = 0;
	if (report->inode)
		tell_inode(event, report->inode);
	event->target_len = 0;
	event->cut = 0;
	event->zero = 0;
}

static __always_inline void tell(struct krsi_event *event, const struct report *report)
{
	tell_report(event, report);
	tell_subject(event, report);
}

/*
 * The folder's text and the object's name, one behind the other. Gives their bytes, or 0 if the text is not kept, or
 * the name may be one that the object has got in another folder since.
 */
static __always_inline u32 copy_path(char *to, const struct report *report)
{
	u32 slot = folder_index(load_kaddr(report->dentry, struct dentry, d_parent));
	struct krsi_text *text = bpf_map_lookup_elem(&texts, &slot);
	u32 len, name_len = load_field(report->dentry, struct dentry, d_name.len);
	u64 lock, epoch;

	if (!text || name_len >= NAME_ROOM)
		return 0;
	lock = *(volatile u64 *)&text->lock;
	epoch = text->epoch;
	len = text->len;
	if (lock & 1 || text->seal != report->seal || len >= KRSI_FOLDER_TEXT)
		return 0;
	bpf_probe_read_kernel(to, bounded(len, KRSI_FOLDER_TEXT - 1), text->bytes);
	bpf_probe_read_kernel(to + bounded(len, KRSI_FOLDER_TEXT - 1), bounded(name_len, NAME_ROOM - 1),
			      (void *)load_field(report->dentry, struct dentry, d_name.name));
	len += name_len;
	if (report->is_folder)
		to[bounded(len++, RECORD_TEXT - 1)] = '/';
	barrier();
	return *(volatile u64 *)&text->lock == lock && epoch_now() == epoch ? len : 0;
}

/* Straight into the ring. False if it must be drafted. */
static __always_inline bool tell_straight(const struct report *report)
{
	struct usual_record *record;

	if (!report->seal || report->target_dentry || report->args)
		return false;
	record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);
	if (!record) {
		__sync_fetch_and_add(&sequence, 1);
		return true;
	}
	record->event.path_len = copy_path(record->text, report);
	if (!record->event.path_len) {
		bpf_ringbuf_discard(record, QUIETLY);
		return false;
	}
	tell(&record->event, report);
	bpf_ringbuf_submit(record, QUIETLY);
	return true;
}

/* Keep the path of the object's folder, now that it has been written, if that folder is remembered. */
static __always_inline void keep_text(struct krsi_draft *draft, u64 seal)
{
	kaddr folder = load_kaddr(draft->object, struct dentry, d_parent);
	u64 lock, len = draft->len - load_field(draft->object, struct dentry, d_name.len) - draft->is_folder;
	u32 slot = folder_index(folder);
	struct krsi_text *text = bpf_map_lookup_elem(&texts, &slot);

	if (!text || !seal || draft->cut || len >= KRSI_FOLDER_TEXT || epoch_now() != draft->epoch)
		return;
	lock = *(volatile u64 *)&text->lock;
	if (lock & 1 || __sync_val_compare_and_swap(&text->lock, lock, lock + 1) != lock)
		return;
	text->len = len;
	text->seal = seal;
	text->epoch = draft->epoch;
	bpf_probe_read_kernel(text->bytes, bounded(len, KRSI_FOLDER_TEXT - 1), draft->text);
	__sync_fetch_and_add(&text->lock, 1);
}

/*
 * An exec's arguments, one behind the other as the kernel has just laid them down, behind the path. Of few of them there
 * is less than is read: memory ends with a page.
 */
static __always_inline void draft_args(struct krsi_draft *draft, u64 args)
{
	u32 rest = bounded(-args, PAGE - 1);
	char *to = text_at(draft, draft->begin);

	draft->len = 0;
	if (!bpf_probe_read_user(to, KRSI_ARGS, (void *)args))
		draft->len = KRSI_ARGS;
	else if (rest < KRSI_ARGS && !bpf_probe_read_user(to, bounded(rest, KRSI_ARGS - 1), (void *)args))
		draft->len = rest;
}

static __always_inline void tell_drafted(const struct report *report)
{
	struct krsi_draft *draft = draft_take();

	if (!draft) {
		__sync_fetch_and_add(&sequence, 1);
		return;
	}
	tell(&draft->event, report);
	draft->begin = 0;
	draft_path(draft, report->mnt, report->dentry, report->is_folder);
	draft->event.path_len = draft->len;
	draft->event.cut = draft->cut;
	if (draft->len)
		keep_text(draft, report->seal);
	draft->begin = draft->len;
	if (report->args)
		draft_args(draft, report->args);
	else
		draft_path(draft, report->target_mnt, report->target_dentry, report->is_folder);
	draft->event.target_len = draft->len;
	draft->event.cut |= draft->cut * KRSI_CUT_TARGET;
	bpf_ringbuf_output(&events, &draft->event,
			   sizeof(draft->event) + bounded(draft->begin + draft->len, TEXT_ROOM - 1), QUIETLY);
	__sync_fetch_and_sub(&draft->lock, 1);
}

int krsi_tell(struct report *report)
{
	if (!report) /* which the verifier takes for possible */
		return 0;
	anchor_drop();
	if (!tell_straight(report))
		tell_drafted(report);
	return 0;
}

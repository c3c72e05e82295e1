// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on tasks.
 *
 *	task_alloc	a new task is confined as the one that makes it, or is not made
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "enforce.bpf.h"

enum {
	CLONE_THREAD = 0x00010000,
	EAGAIN = 11,
};

static __always_inline int inherit(const struct subject *subject, struct task_struct *task, u64 clone_flags)
{
	const kaddr times = subject->own + __builtin_offsetof(struct krsi_task, image_ns);
	struct krsi_task *own = bpf_task_storage_get(&tasks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!own)
		return -EAGAIN;
	own->domain = subject->policy.number;
	own->image_ns = load_field(times, struct timespec64, tv_sec);
	own->start_ns = clone_flags & CLONE_THREAD ? load_field(times, struct timespec64, tv_nsec) :
						     bpf_ktime_get_boot_ns();
	return 0;
}

SEC("lsm/task_alloc")
int BPF_PROG(krsi_task_alloc, struct task_struct *task, u64 clone_flags, int ret)
{
	struct report report = { .hook = KRSI_HOOK_TASK_ALLOC, .reason = KRSI_REASON_FAILURE };
	struct subject subject = {};

	if (ret || !subject_is_confined(&subject))
		return ret;
	ret = inherit(&subject, task, clone_flags);
	if (ret) {
		report.kind = KRSI_KIND_DECISION;
		report.verdict = KRSI_VERDICT_DENY;
		report.errno = ret;
		tell_user(&subject, &report);
	}
	return ret;
}

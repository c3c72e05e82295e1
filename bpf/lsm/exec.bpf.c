// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on execve(2): may it be executed, and what does the task run under then?
 *
 *	bprm_creds_for_exec	once, at the beginning: forgets an exec that failed
 *	bprm_check_security	for the file, and again for each interpreter that it leads to: decides
 *	bprm_creds_from_file	once, when nothing else can refuse the exec: looks at what is brought along
 *	bprm_committing_creds	behind the point of no return: enters the domain
 *
 * The first of the files that leads to another domain says to which one.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "descriptors.bpf.h"

enum {
	LSM_UNSAFE_PTRACE = 2,
	LSM_UNSAFE_NO_NEW_PRIVS = 4,
};

/* The task that executes, confined or not. Whether there is a policy for it. */
static __always_inline bool executor(struct subject *subject)
{
	subject->task = (struct task_struct *)bpf_get_current_task_btf();
	subject_enters(subject, own_storage(subject) ? load_int((void *)kaddr_pointer(subject->own)) : UNCONFINED);
	anchor_drop();
	return subject->policy.image.base;
}

/* A confined task must not be let out by what watches it, nor by what it has sworn off. */
static __always_inline bool may_change_domain(const struct subject *subject, const struct linux_binprm *bprm)
{
	return !subject->policy.number || !(bprm->unsafe & (LSM_UNSAFE_PTRACE | LSM_UNSAFE_NO_NEW_PRIVS));
}

/* The exec leads to @next: keep that until it is committed. */
static __always_inline int prepare_domain(struct subject *subject, u32 next)
{
	struct krsi_task *own = bpf_task_storage_get(&tasks, subject->task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!own)
		return -EACCES;
	own->pending = next + 1;
	own->flags = subject->policy.number ? KRSI_PASSING_WAS_CONFINED : 0;
	return 0;
}

/* An exec that failed left its destination behind. */
SEC("lsm/bprm_creds_for_exec")
int BPF_PROG(krsi_bprm_creds_for_exec, struct linux_binprm *bprm, int ret)
{
	struct subject subject = { .task = (struct task_struct *)bpf_get_current_task_btf() };
	struct krsi_task *own;

	if (ret || !own_storage(&subject))
		return ret;
	own = bpf_task_storage_get(&tasks, subject.task, NULL, 0);
	if (!own)
		return -EACCES;
	own->pending = 0;
	return 0;
}

/* What the exec under way has been given, and what the next one shall be given: of struct krsi_task. */
static __always_inline u32 pending_of(const struct subject *subject)
{
	return subject->own ? load_word(kaddr_pointer(subject->own)) >> 32 : 0;
}

static __always_inline u32 onexec_of(const struct subject *subject)
{
	return subject->own ? load_word(kaddr_pointer(subject->own) + __builtin_offsetof(struct krsi_task, onexec)) : 0;
}

static __noinline int exec_is_refused(const struct subject *subject, struct report *report, u32 reason)
{
	report->refused = KRSI_ACCESS_EXEC;
	report->logged = KRSI_ACCESS_EXEC;
	report->reason = reason;
	if (reason == KRSI_REASON_NO_PRIVS)
		report->errno = -EPERM;
	return conclude(subject, report, 0);
}

/* The file may be executed; enter what it leads to, or say why not. */
static __always_inline int pass(struct subject *subject, struct linux_binprm *bprm, u64 state, struct report *report)
{
	u32 next, onexec = onexec_of(subject);

	next = onexec ? onexec - 1 : domain_after(&subject->policy, state, subject->task->cred->euid.val);
	if (next == subject->policy.number || pending_of(subject))
		return 0;
	if (next == NOBODY)
		return exec_is_refused(subject, report, KRSI_REASON_NO_MATCH);
	if (!may_change_domain(subject, bprm))
		return exec_is_refused(subject, report, KRSI_REASON_NO_PRIVS);
	bpf_bprm_opts_set(bprm, BPF_F_BPRM_SECUREEXEC);
	return prepare_domain(subject, next);
}

SEC("lsm/bprm_check_security")
int BPF_PROG(krsi_bprm_check_security, struct linux_binprm *bprm, int ret)
{
	struct report report = { .hook = KRSI_HOOK_BPRM_CHECK_SECURITY, .access = KRSI_ACCESS_EXEC };
	struct object object = {
		.mnt = bprm->file->f_path.mnt,
		.dentry = bprm->file->f_path.dentry,
		.inode = bprm->file->f_inode,
	};
	struct decision decision = {};
	struct subject subject = {};

	if (ret)
		return ret;
	if (!executor(&subject))
		return subject.policy.number ? conclude_blind(&subject, &report, report.hook, report.access) : 0;
	locate(&subject, &object);
	own(&subject, &object);
	if (subject.policy.number)
		decision = judge(&subject.policy,
				 weigh(record_in(&subject.policy, object.name.state), object.name.owner), report.access);
	report_object(&report, &subject, &object);
	report.refused = decision.refused;
	report.logged = decision.logged;
	if (decision.refused | decision.logged)
		ret = conclude(&subject, &report, decision.killed);
	return decision.refused ? ret : pass(&subject, bprm, object.name.state, &report);
}

SEC("lsm/bprm_creds_from_file")
int BPF_PROG(krsi_bprm_creds_from_file, struct linux_binprm *bprm, const struct file *file, int ret)
{
	struct subject subject = {};
	struct report report;
	struct krsi_task *own;
	u32 pending;

	if (ret)
		return ret;
	executor(&subject);
	pending = pending_of(&subject);
	if (!pending)
		return 0;
	own = bpf_task_storage_get(&tasks, subject.task, NULL, 0);
	if (!own || !subject.policy.image.base)
		return -EACCES;
	if (pending - 1 == UNCONFINED)
		return 0;
	subject.policy.number = pending - 1;
	subject.policy.domain = domain_of(&subject.policy.image, pending - 1);
	if (subject.task->files->count.counter > 1)
		own->flags |= KRSI_PASSING_SHARES_FILES;
	return check_descriptors(&subject, &report, !(own->flags & KRSI_PASSING_WAS_CONFINED));
}

/* The new program, told for whoever reads what it does later. */
static __always_inline void tell_exec(const struct subject *subject, struct report *report,
				      const struct linux_binprm *bprm)
{
	__builtin_memset(report, 0, sizeof(*report));
	report->kind = KRSI_KIND_EXEC;
	report->hook = KRSI_HOOK_BPRM_COMMITTING_CREDS;
	report->reason = KRSI_REASON_RECORD;
	report->verdict = KRSI_VERDICT_ALLOW;
	report->access = KRSI_ACCESS_EXEC;
	report->logged = KRSI_ACCESS_EXEC;
	report->next = subject->policy.number;
	report->argc = bprm->argc;
	report->args = bprm->p;
	report->inode = kaddr_of(bprm->file->f_inode);
	report->mnt = kaddr_of(bprm->file->f_path.mnt);
	report->dentry = kaddr_of(bprm->file->f_path.dentry);
	tell_user(subject, report);
}

/*
 * The exec cannot fail any more. If another task had a hand in the descriptors after they were looked at, they are
 * looked at again, and all that is left is to end the task.
 */
SEC("lsm/bprm_committing_creds")
int BPF_PROG(krsi_bprm_committing_creds, struct linux_binprm *bprm)
{
	struct subject subject = {};
	struct report report;
	struct krsi_task *own;

	executor(&subject);
	if (!subject.own)
		return 0;
	own = bpf_task_storage_get(&tasks, subject.task, NULL, 0);
	if (!own || !subject.policy.image.base) {
		bpf_send_signal(SIGKILL);
		return 0;
	}
	own->image_ns = own->start_ns = bpf_ktime_get_boot_ns();
	if (own->pending) {
		own->domain = own->pending - 1;
		own->pending = 0;
		own->onexec = 0;
	}
	if (!own->domain)
		return 0;
	subject.policy.number = own->domain;
	subject.policy.domain = domain_of(&subject.policy.image, own->domain);
	if (own->flags & KRSI_PASSING_SHARES_FILES &&
	    check_descriptors(&subject, &report, !(own->flags & KRSI_PASSING_WAS_CONFINED)))
		bpf_send_signal(SIGKILL);
	own->flags = 0;
	tell_exec(&subject, &report, bprm);
	return 0;
}

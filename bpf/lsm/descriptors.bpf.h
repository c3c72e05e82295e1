/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The descriptors that a program would find open. No hook can take one away, so an exec into a domain that would not
 * have been given one of them is refused with it.
 *
 * What an unconfined task hands over as standard streams is meant: a terminal or another character device, and a file
 * that can be written only. Descriptors that the exec itself closes do not matter, nor do those without a path.
 */
#ifndef KRSI_DESCRIPTORS_BPF_H
#define KRSI_DESCRIPTORS_BPF_H

#include "enforce.bpf.h"

enum {
	FMODE_READ = 1 << 0,
	FMODE_WRITE = 1 << 1,
	O_APPEND = 02000,
	S_IFCHR = 0020000,
	STDERR = 2,
	MAX_DESCRIPTORS = 1 << 20, /* what fs.nr_open allows unless raised; with more, the exec is refused */
};

struct descriptors {
	const struct subject *subject; /* who would have them */
	struct report *report;
	kaddr fdt;
	u32 is_handed_over; /* by an unconfined task */
	int result;
};

static __always_inline bool is_standard_stream(const struct descriptors *descriptors, u32 number, u32 file_mode,
					       u32 mode)
{
	return descriptors->is_handed_over && number <= STDERR &&
	       ((file_mode & S_IFMT) == S_IFCHR || !(mode & FMODE_READ));
}

/* What may be done through @file. Without branches, see weigh(). */
static __always_inline u32 access_through(kaddr file, u32 mode)
{
	u64 appends = bounded(load_field(file, struct file, f_flags) / O_APPEND, 1);
	u64 reads = bounded(mode / FMODE_READ, 1), writes = bounded(mode / FMODE_WRITE, 1);

	return reads * KRSI_ACCESS_READ | (writes & appends) * KRSI_ACCESS_APPEND | (writes & ~appends) * KRSI_ACCESS_WRITE;
}

/* 1 if the exec is refused for @file. */
static __always_inline long weigh_descriptor(struct descriptors *descriptors, u32 number, kaddr file)
{
	u32 mode = load_field(file, struct file, f_mode), access = access_through(file, mode);
	const struct subject *subject = descriptors->subject;
	kaddr inode = load_kaddr(file, struct file, f_inode);
	kaddr mnt = load_kaddr(file, struct file, f_path.mnt);
	kaddr dentry = load_kaddr(file, struct file, f_path.dentry);
	u32 file_mode = load_field(inode, struct inode, i_mode), owner;
	struct report *report = descriptors->report;
	struct decision decision;
	u64 state;

	if (!access || is_standard_stream(descriptors, number, file_mode, mode))
		return 0;
	state = resolve(subject->policy.image.base, mnt, dentry);
	if (state == STATE_INTERNAL)
		return 0;
	if ((file_mode & S_IFMT) == S_IFDIR && state_is_known(state))
		state = step_slash(&subject->policy.image, state);
	owner = owner_of(subject, mnt, load_field(inode, struct inode, i_uid.val));
	decision = judge(&subject->policy, weigh(record_in(&subject->policy, state), owner), access);
	if (!(decision.refused | decision.logged))
		return 0;
	__builtin_memset(report, 0, sizeof(*report));
	report->hook = KRSI_HOOK_BPRM_CREDS_FROM_FILE;
	report->access = access;
	report->refused = decision.refused;
	report->logged = decision.logged;
	report->reason = reason_of_name(state);
	report->owner = owner;
	report->path_class = class_of_name(subject, state);
	report->next = number;
	report->is_folder = (file_mode & S_IFMT) == S_IFDIR;
	report->inode = inode;
	report->mnt = mnt;
	report->dentry = dentry;
	descriptors->result = conclude(subject, report, 0);
	return descriptors->result ? 1 : 0;
}

/*
 * Nothing counts here but the loop's own index, which the verifier takes for any number: so it sees one round like the
 * next, and does not follow each of them.
 */
static long descriptors_step(u32 number, struct descriptors *descriptors)
{
	kaddr fdt = descriptors->fdt, file;
	u64 offset = number / 64 * sizeof(u64), open;

	if (number >= load_field(fdt, struct fdtable, max_fds))
		return 1;
	open = load_word((u64)load_field(fdt, struct fdtable, open_fds) + offset) &
	       ~load_word((u64)load_field(fdt, struct fdtable, close_on_exec) + offset);
	if (!(open >> (number & 63) & 1))
		return 0;
	file = load_word((u64)load_field(fdt, struct fdtable, fd) + number * sizeof(u64)) - kaddr_pointer(0);
	return kaddr_pointer(file) ? weigh_descriptor(descriptors, number, file) : 0;
}

/* 0, or -EACCES if @subject would be given one that it may not have. @report is overwritten. */
static __always_inline int check_descriptors(const struct subject *subject, struct report *report, u32 is_handed_over)
{
	struct descriptors descriptors = {
		.subject = subject,
		.report = report,
		.fdt = kaddr_of(subject->task->files->fdt),
		.is_handed_over = is_handed_over,
	};

	if (bpf_loop(MAX_DESCRIPTORS, descriptors_step, &descriptors, 0) == MAX_DESCRIPTORS)
		return -EACCES;
	return descriptors.result ? -EACCES : 0;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* What the hooks have to tell user space, and whom they tell it to: emit.bpf.c. */
#ifndef KRSI_EMIT_BPF_H
#define KRSI_EMIT_BPF_H

#include "subject.bpf.h"

enum {
	PAGE = 4096, /* or more */
	RECORD_TEXT = 512, /* of the usual record: a folder's text and a name, each with room */
	/* Nobody is woken for a record: the reader looks by itself, and the caller does not pay for it. */
	QUIETLY = BPF_RB_NO_WAKEUP,
};

struct usual_record {
	struct krsi_event event;
	char text[RECORD_TEXT];
};

/*
 * What is to be told. A dentry or inode of 0 is none. As small as can be, for all calls share a stack of 512 bytes, and
 * without a gap, for the verifier wants to see all of it written.
 */
struct report {
	u8 kind;
	u8 hook;
	u8 verdict;
	u8 reason;
	u8 owner;
	u8 is_folder;
	u8 mode; /* enum krsi_mode of the domain */
	u8 zero;
	s32 errno;
	u32 access;
	u32 refused;
	u32 logged;
	u32 next;
	u32 path_class;
	u32 target_class;
	u32 argc;
	u32 domain;
	u32 generation;
	kaddr own; /* the task's struct krsi_task */
	u64 seal; /* of the object's folder, see struct place */
	kaddr inode;
	kaddr mnt;
	kaddr dentry;
	kaddr target_mnt;
	kaddr target_dentry;
	u64 args; /* of an exec: their address in the new program's memory */
};

/*
 * Write @report, about the current task, to the ring; gives 0. A function for the whole object: the verifier looks at it
 * once a program, and not once more for all that can be in the report.
 */
int krsi_tell(struct report *report);

static __always_inline void tell_user(const struct subject *subject, struct report *report)
{
	report->own = subject->own;
	report->domain = subject->policy.number;
	report->generation = subject->policy.image.base ? subject->policy.image.header->generation : 0;
	report->mode = subject->policy.image.base ? subject->policy.domain->mode : KRSI_MODE_ENFORCE;
	krsi_tell(report);
}

#endif

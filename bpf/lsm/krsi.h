/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ABI between the programs in the kernel and Python, which reads these layouts from the object's BTF.
 *
 * Law: fixed-width integers and enums only; no pointers, bools, bitfields or holes (padding is a named zero);
 * enums of hooks and kinds start at 1, so that zeroed memory means nothing; units in names.
 */
#ifndef KRSI_H
#define KRSI_H

/* Rights to an object, the words of the policy's `files`, and `exec`. A request, a grant and a refusal are sets of them. */
enum krsi_access {
	KRSI_ACCESS_READ = 1 << 0,
	KRSI_ACCESS_WRITE = 1 << 1,
	KRSI_ACCESS_APPEND = 1 << 2,
	KRSI_ACCESS_CREATE = 1 << 3,
	KRSI_ACCESS_DELETE = 1 << 4,
	KRSI_ACCESS_RENAME = 1 << 5,
	KRSI_ACCESS_LINK = 1 << 6,
	KRSI_ACCESS_MAP = 1 << 7,
	KRSI_ACCESS_CHMOD = 1 << 8,
	KRSI_ACCESS_CHOWN = 1 << 9,
	KRSI_ACCESS_SETATTR = 1 << 10,
	KRSI_ACCESS_SETXATTR = 1 << 11,
	KRSI_ACCESS_GETATTR = 1 << 12,
	KRSI_ACCESS_TRUNCATE = 1 << 13,
	KRSI_ACCESS_IOCTL = 1 << 14,
	KRSI_ACCESS_LOCK = 1 << 15,
	KRSI_ACCESS_MKNOD = 1 << 16,
	KRSI_ACCESS_EXEC = 1 << 17,
	KRSI_ACCESS_MOUNT = 1 << 18, /* of the system family: see domain.system */
};

/* Rights to a name, not to what it names: a new name may grant them although the old one did not. */
enum {
	KRSI_ACCESS_NAMING = KRSI_ACCESS_CREATE | KRSI_ACCESS_DELETE | KRSI_ACCESS_RENAME | KRSI_ACCESS_LINK |
			     KRSI_ACCESS_MKNOD,
};

/* Where it is asked: the LSM hook. */
enum krsi_hook {
	KRSI_HOOK_FILE_OPEN = 1,
	KRSI_HOOK_FILE_RECEIVE,
	KRSI_HOOK_FILE_TRUNCATE,
	KRSI_HOOK_FILE_FCNTL,
	KRSI_HOOK_FILE_IOCTL,
	KRSI_HOOK_FILE_IOCTL_COMPAT,
	KRSI_HOOK_FILE_LOCK,
	KRSI_HOOK_FILE_MPROTECT,
	KRSI_HOOK_MMAP_FILE,
	KRSI_HOOK_PATH_MKNOD,
	KRSI_HOOK_PATH_MKDIR,
	KRSI_HOOK_PATH_SYMLINK,
	KRSI_HOOK_PATH_LINK,
	KRSI_HOOK_PATH_UNLINK,
	KRSI_HOOK_PATH_RMDIR,
	KRSI_HOOK_PATH_RENAME,
	KRSI_HOOK_PATH_TRUNCATE,
	KRSI_HOOK_PATH_CHMOD,
	KRSI_HOOK_PATH_CHOWN,
	KRSI_HOOK_INODE_SETATTR,
	KRSI_HOOK_INODE_SETXATTR,
	KRSI_HOOK_INODE_REMOVEXATTR,
	KRSI_HOOK_INODE_SET_ACL,
	KRSI_HOOK_INODE_REMOVE_ACL,
	KRSI_HOOK_INODE_FILE_SETATTR,
	KRSI_HOOK_INODE_GETATTR,
	KRSI_HOOK_INODE_GETXATTR,
	KRSI_HOOK_INODE_LISTXATTR,
	KRSI_HOOK_BPRM_CREDS_FOR_EXEC,
	KRSI_HOOK_BPRM_CHECK_SECURITY,
	KRSI_HOOK_BPRM_CREDS_FROM_FILE,
	KRSI_HOOK_BPRM_COMMITTING_CREDS,
	KRSI_HOOK_TASK_ALLOC,
	KRSI_HOOK_INODE_FREE_SECURITY,
	KRSI_HOOK_SB_MOUNT,
	KRSI_HOOK_SB_UMOUNT,
	KRSI_HOOK_SB_PIVOTROOT,
	KRSI_HOOK_MOVE_MOUNT,
};

/* What becomes of a refusal. */
enum krsi_mode {
	KRSI_MODE_ENFORCE = 1,
	KRSI_MODE_AUDIT, /* told, not applied */
	KRSI_MODE_LEARN, /* neither; and what is allowed is told too */
};

enum krsi_verdict {
	KRSI_VERDICT_ALLOW = 1,
	KRSI_VERDICT_DENY,
	KRSI_VERDICT_KILL,
};

/* Why, where the record alone does not say it. */
enum krsi_reason {
	KRSI_REASON_RECORD = 1,	/* the policy's record for this path class */
	KRSI_REASON_UNRESOLVED, /* the object has no path: detached, too deep, still moving */
	KRSI_REASON_LAUNDERS,	/* by its new name the object could be used in more ways */
	KRSI_REASON_NO_PRIVS,	/* no_new_privs or a tracer forbids the change of domain */
	KRSI_REASON_NO_MATCH,	/* `as: matched`, and no profile matches */
	KRSI_REASON_FAILURE,	/* a lookup or allocation of ours failed */
};

enum krsi_owner {
	KRSI_OWNER_OTHER = 0,
	KRSI_OWNER_SELF = 1,
	KRSI_OWNER_UNKNOWN = 2, /* what both would be refused is refused */
};

/*
 * An image is an array of 64-bit words, a power of two of them, and then this header. Whatever stands in it is named by
 * its distance from the beginning in bytes. It begins with the automaton's cells; a state is the place of its first
 * cell. The first cell of state 0 is the image's first word: from there all bytes lead back there.
 */
struct krsi_image {
	__u32 generation;
	__u32 start;      /* the automaton's state before any byte */
	__u32 domains;    /* of the first struct krsi_domain; a domain's number is its place there */
	__u32 unresolved; /* of the record for objects without a path */
	__u64 zero[14];
};

/*
 * One byte's step from a state: the cell at state + 8 * byte, if its owner is the state; else the state's first cell
 * says where to (no name holds byte 0). The owner of a first cell is the path class, shifted, with its marks; no state
 * is like it, for states are multiples of 8.
 */
struct krsi_cell {
	__u32 owner;
	__u32 next; /* with its mark */
};

enum krsi_mark {
	KRSI_MARK_FIRST = 1 << 0,  /* of an owner: this is a first cell */
	KRSI_MARK_CLOSED = 1 << 1, /* of an owner, in a first cell: no byte at all leads out of this state */
	KRSI_MARK_STAYS = 1 << 2,  /* of next: no byte but a slash leads on from there: the rest of a name is idle */
};

enum {
	KRSI_CLASS_SHIFT = 3,
};

/* (profile, state, function): what a task runs under. Number 0 is unconfined. */
struct krsi_domain {
	__u32 records;	 /* of the cell for path class 0: its owner is the domain's number, next a record */
	__u32 fallback;	 /* of the record for classes whose cell another domain owns */
	__u32 mediated;	 /* krsi_access bits that are asked about at all */
	__u32 system;	 /* krsi_access bits without an object that are allowed */
	enum krsi_mode mode;
	__u32 zero[3];
};

/* What a domain says of a path class. Index 0 is for others' objects, 1 for the subject's own. */
struct krsi_record {
	__u32 quiet; /* what passes without a word whoever owns the object: most of the time nothing else is looked at */
	__u32 allow[2];
	__u32 kill[2];
	__u32 log[2];
	__u32 next;  /* of an exec that is allowed: KRSI_EXEC_ or a domain's number */
	__u32 entry; /* of domain 0: the first struct krsi_entry; 0 if no profile matches */
	__u32 zero;
};

enum krsi_exec {
	KRSI_EXEC_MATCHED = 0xfffffffe,
	KRSI_EXEC_KEEP = 0xffffffff,
};

enum krsi_candidate {
	KRSI_CANDIDATE_ANY_UID = 1 << 0,
	KRSI_CANDIDATE_LAST = 1 << 1,
};

/* A profile's `match`; candidates of one class follow each other, the most specific first. */
struct krsi_entry {
	__u32 domain;
	__u32 uid;   /* of the task that executes */
	enum krsi_candidate flags;
	__u32 zero;
};

/* Of an exec under way. */
enum krsi_passing {
	KRSI_PASSING_SHARES_FILES = 1 << 0, /* another task could have opened a descriptor since they were looked at */
	KRSI_PASSING_WAS_CONFINED = 1 << 1,
};

/* A task's confinement, in task local storage. */
struct krsi_task {
	__u32 domain;
	__u32 pending; /* where the exec under way leads to, plus 1; 0 while there is none */
	__u32 onexec;  /* where the next exec leads to whatever the policy says, plus 1; 0 for what the policy says */
	enum krsi_passing flags;
	__u64 image_ns; /* when the program was executed that it runs: boottime, the same in all forks */
	__u64 start_ns; /* when this process was forked or executed that program: boottime */
};

enum {
	KRSI_ANCESTORS = 8,
	KRSI_COMM = 16,
	KRSI_ARGS = 256, /* bytes of an exec's arguments that are told */
	KRSI_PATH = 4096, /* more than the bytes of a path that are told: of a longer one its end */
};

enum krsi_kind {
	KRSI_KIND_DECISION = 1,
	KRSI_KIND_EXEC,
	KRSI_KIND_EXIT,
};

enum krsi_cut {
	KRSI_CUT_PATH = 1 << 0, /* the beginning is missing */
	KRSI_CUT_TARGET = 1 << 1,
};

/* What is told of a decision. The texts follow; bytes behind them mean nothing. */
struct krsi_event {
	enum krsi_kind kind;
	enum krsi_hook hook;
	__u64 seq;	   /* per load: a gap is a loss */
	__u64 boottime_ns;
	__u64 image_ns;	   /* as in struct krsi_task */
	__u64 start_ns;
	__u64 inode;
	__u32 generation;  /* of the policy that answered */
	__u32 domain;
	enum krsi_mode mode;
	enum krsi_verdict verdict;
	enum krsi_reason reason;
	__u32 access;	   /* krsi_access bits asked for */
	__u32 refused;	   /* and those to blame for the verdict */
	__u32 logged;
	enum krsi_owner owner;
	__s32 errno;	   /* that the caller gets, negative; 0 if it gets what it asked for */
	__u32 next;	   /* of an exec: the domain it leads to; of a descriptor refused with it: its number */
	__u32 path_class;
	__u32 target_class;
	__u32 tgid;
	__u32 tid;
	__u32 uid;
	__u32 gid;
	__u32 euid;
	__u32 device;	   /* the superblock's s_dev: major << 20 | minor */
	__u32 file_mode;   /* S_IFMT and permission bits */
	__u32 file_uid;
	__u32 ancestors[KRSI_ANCESTORS]; /* tgids, nearest first, up to the first that is 1 or 0 */
	char comm[KRSI_COMM];
	__u32 path_len;	   /* bytes of the object's path, which follows; 0 if it has none */
	__u32 target_len;  /* bytes of the second name's, or of an exec's arguments, which follow that */
	__u32 argc;	   /* of an exec: so many of the strings are arguments, and the rest is none of our business */
	enum krsi_cut cut;
	__u32 zero;
};

enum {
	KRSI_QUESTIONS = 256,
	KRSI_QUESTION_PATH = 256, /* more than a path's bytes, a power of two */
};

/* What oracle.bpf.c is asked, and below that what it answers. */
struct krsi_question {
	__u32 domain;
	__u32 access;
	__u32 path_len;	  /* 0 for an object without a path */
	__u32 target_len; /* as path_len */
	enum krsi_owner owner;
	enum krsi_owner target_owner;
	__u32 uid;	  /* of an exec */
	__u32 has_target; /* 0 for a question about one name */
	__u32 exchange;
	__u32 zero;
	__u32 refused;
	__u32 killed;
	__u32 logged;
	__u32 launders;
	__u32 next;
	__u32 path_class;
	__u64 state; /* of the reading under way */
	char path[KRSI_QUESTION_PATH];
	char target[KRSI_QUESTION_PATH];
};

/* Table of contents: a member's type is part of the ABI, and this keeps it in BTF. */
union krsi_abi {
	struct krsi_image image;
	struct krsi_cell cell;
	struct krsi_domain domain;
	struct krsi_record record;
	struct krsi_entry entry;
	struct krsi_task task;
	struct krsi_event event;
	struct krsi_question question;
	enum krsi_access access;
	enum krsi_hook hook;
	enum krsi_mode mode;
	enum krsi_verdict verdict;
	enum krsi_reason reason;
	enum krsi_owner owner;
	enum krsi_kind kind;
	enum krsi_mark mark;
	enum krsi_exec exec;
	enum krsi_candidate candidate;
	enum krsi_passing passing;
	enum krsi_cut cut;
};

#endif

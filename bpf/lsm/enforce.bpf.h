/* SPDX-License-Identifier: GPL-2.0-only */
/* What every hook does with its question: find the objects' places, decide, tell, refuse. */
#ifndef KRSI_ENFORCE_BPF_H
#define KRSI_ENFORCE_BPF_H

#include "emit.bpf.h"
#include "path.bpf.h"

enum {
	EPERM = 1,
	EACCES = 13,
	SIGKILL = 9,
	NSFS_MAGIC = 0x6e736673,
	CLONE_NEWNS = 0x20000,
};

/*
 * An object that a hook was given. What has no inode yet is made by the subject and will be its own. The rest is found
 * out by locate() and owner_of().
 */
struct object {
	struct vfsmount *mnt;
	struct dentry *dentry;
	const struct inode *inode;
	struct name name;
	u64 seal; /* of its folder, see struct place */
};

/* Without a branch: each would double what the verifier looks at. */
static __always_inline bool is_folder(const struct inode *inode)
{
	u64 strange = inode ? (inode->i_mode & S_IFMT) ^ S_IFDIR : S_IFDIR;

	barrier_var(strange);
	return (strange - 1) >> 63;
}

/* Behind an idmapped mount it is not for us to say whose an object is. */
static __always_inline u32 owner_of(const struct subject *subject, kaddr mnt, u32 uid)
{
	if (mount_is_idmapped(mnt))
		return KRSI_OWNER_UNKNOWN;
	return uid == subject->task->cred->fsuid.val ? KRSI_OWNER_SELF : KRSI_OWNER_OTHER;
}

static __always_inline void own(const struct subject *subject, struct object *object)
{
	u32 uid = object->inode ? object->inode->i_uid.val : subject->task->cred->fsuid.val;

	object->name.owner = owner_of(subject, kaddr_of(object->mnt), uid);
}

static __always_inline void locate(const struct subject *subject, struct object *object)
{
	struct place place = place_of(&subject->policy.image, object->mnt, object->dentry, object->name.is_folder);

	object->name.state = place.state;
	object->seal = place.seal;
}

/*
 * Of an object of the kernel's own (a pipe, a socket, a memfd, a layer below an overlay) only its use as code is a
 * question of paths; and then it has none. Gives what is left to ask.
 */
static __always_inline u32 left_to_ask(const struct object *object, u32 access)
{
	return object->name.state == STATE_INTERNAL ? access & (KRSI_ACCESS_MAP | KRSI_ACCESS_EXEC) : access;
}

/* What setns(2) enters: one that is there, or since v7.0 one that open_tree(2) makes with any folder for its root. */
static __always_inline bool is_mount_namespace(const struct inode *inode)
{
	u64 private = (u64)inode->i_private;

	barrier_var(private);
	if (!private || inode->i_sb->s_magic != NSFS_MAGIC) /* the first asked is the cheaper one */
		return false;
	return kind_of_namespace(private - kaddr_pointer(0)) == CLONE_NEWNS;
}

/* By a mount namespace a task would get other names for everything: who may not mount may not have one. */
static __always_inline bool gives_namespace(u32 hook, const struct object *object)
{
	return (hook == KRSI_HOOK_FILE_OPEN || hook == KRSI_HOOK_FILE_RECEIVE) && is_mount_namespace(object->inode);
}

static __always_inline u32 class_of_name(const struct subject *subject, u64 state)
{
	return state_is_known(state) ? class_of_state(&subject->policy.image, state) : 0;
}

static __always_inline u32 reason_of_name(u64 state)
{
	return state_is_known(state) ? KRSI_REASON_RECORD : KRSI_REASON_UNRESOLVED;
}

static __always_inline void report_object(struct report *report, const struct subject *subject,
					  const struct object *object)
{
	report->reason = reason_of_name(object->name.state);
	report->owner = object->name.owner;
	report->path_class = class_of_name(subject, object->name.state);
	report->seal = object->seal;
	report->mnt = kaddr_of(object->mnt);
	report->dentry = kaddr_of(object->dentry);
	report->is_folder = object->name.is_folder;
	report->inode = object->inode ? kaddr_of(object->inode) : 0;
}

static __always_inline bool is_enforcing(const struct subject *subject)
{
	return !subject->policy.image.base || subject->policy.domain->mode == KRSI_MODE_ENFORCE;
}

/* Tell what is to be told, and give what the hook returns: report->errno, if anything is refused and that holds. */
static __always_inline int conclude(const struct subject *subject, struct report *report, u32 killed)
{
	if (!report->refused || !is_enforcing(subject))
		report->errno = 0;
	else if (!report->errno)
		report->errno = -EACCES;
	report->kind = KRSI_KIND_DECISION;
	report->verdict = killed ? KRSI_VERDICT_KILL : report->refused ? KRSI_VERDICT_DENY : KRSI_VERDICT_ALLOW;
	if (report->logged)
		tell_user(subject, report);
	if (killed && report->errno)
		bpf_send_signal(SIGKILL);
	/* Said in constants, for the verifier must see that an LSM program returns an errno. */
	return !report->errno ? 0 : report->errno == -EPERM ? -EPERM : -EACCES;
}

/* There is no policy to ask: whoever is confined is refused. */
static __always_inline int conclude_blind(const struct subject *subject, struct report *report, u32 hook, u32 access)
{
	__builtin_memset(report, 0, sizeof(*report));
	report->hook = hook;
	report->access = access;
	report->refused = access;
	report->logged = access;
	report->reason = KRSI_REASON_FAILURE;
	return conclude(subject, report, 0);
}

/*
 * @subject wants what is done to no one object. The place where it is done, if there is one, is told, not asked about.
 * The caller's report, for all calls share a stack of 512 bytes.
 */
static __always_inline int conclude_system(const struct subject *subject, struct report *report, u32 hook, u32 access,
					   kaddr mnt, kaddr dentry)
{
	if (!subject->policy.image.base)
		return conclude_blind(subject, report, hook, access);
	if (subject->policy.domain->system & access)
		return 0;
	__builtin_memset(report, 0, sizeof(*report));
	report->hook = hook;
	report->access = access;
	report->refused = access;
	report->logged = access;
	report->reason = KRSI_REASON_RECORD;
	report->errno = -EPERM;
	report->is_folder = dentry != 0;
	report->mnt = mnt;
	report->dentry = dentry;
	return conclude(subject, report, 0);
}

/* @subject wants @access to @object; what was not known of the object is filled in. */
static __always_inline int enforce(u32 hook, u32 access, const struct subject *subject, struct object *object)
{
	const struct krsi_record *record;
	struct decision decision;
	struct report report;

	if (!subject->policy.image.base)
		return conclude_blind(subject, &report, hook, access);
	if (!(access & subject->policy.domain->mediated))
		return gives_namespace(hook, object) ?
			conclude_system(subject, &report, hook, KRSI_ACCESS_MOUNT, 0, 0) : 0;
	locate(subject, object);
	if (!object->seal) { /* in no folder that is remembered: the kernel's own, and roots of mounts, never are */
		if (gives_namespace(hook, object))
			return conclude_system(subject, &report, hook, KRSI_ACCESS_MOUNT, 0, 0);
		access = left_to_ask(object, access);
	}
	record = record_in(&subject->policy, object->name.state);
	if (!(access & ~record->quiet))
		return 0;
	own(subject, object);
	decision = judge(&subject->policy, weigh(record, object->name.owner), access);
	if (!(decision.refused | decision.logged))
		return 0;
	__builtin_memset(&report, 0, sizeof(report));
	report.hook = hook;
	report.access = access;
	report.refused = decision.refused;
	report.logged = decision.logged;
	report_object(&report, subject, object);
	return conclude(subject, &report, decision.killed);
}

/* As locate(), of a name in a folder; a function of its own, so that for two names it is not verified twice over. */
static __noinline u64 state_of_name(const void *base, struct vfsmount *mnt, struct dentry *dentry, bool is_folder)
{
	struct image image = image_of(base);

	return place_of(&image, mnt, dentry, is_folder).state;
}

static __always_inline void locate_name(const struct subject *subject, struct object *object)
{
	object->name.state = state_of_name(subject->policy.image.base, object->mnt, object->dentry,
					   object->name.is_folder);
	object->seal = 0;
}

/* @subject wants @access, by both names, to give @from the name of @to; see decide_move(). */
static __always_inline int enforce_move(u32 hook, u32 access, const struct subject *subject, struct object *from,
					struct object *to, bool exchange)
{
	struct decision decision;
	struct report report;

	if (!subject->policy.image.base)
		return conclude_blind(subject, &report, hook, access);
	if (!(access & subject->policy.domain->mediated))
		return 0;
	locate_name(subject, from);
	locate_name(subject, to);
	own(subject, from);
	own(subject, to);
	decision = decide_move(&subject->policy, access, &from->name, &to->name, exchange);
	if (!(decision.refused | decision.logged))
		return 0;
	__builtin_memset(&report, 0, sizeof(report));
	report.hook = hook;
	report.access = access;
	report.refused = decision.refused;
	report.logged = decision.logged;
	report_object(&report, subject, from);
	report.target_class = class_of_name(subject, to->name.state);
	report.target_mnt = kaddr_of(to->mnt);
	report.target_dentry = kaddr_of(to->dentry);
	if (decision.launders)
		report.reason = KRSI_REASON_LAUNDERS;
	return conclude(subject, &report, decision.killed);
}

#endif

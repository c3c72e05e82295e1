// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on what is said about an object, not what is in it.
 *
 *	path_truncate		truncate
 *	path_chmod		chmod
 *	path_chown		chown
 *	inode_getattr		getattr
 *	inode_setattr		setattr: times
 *	inode_file_setattr	setattr: file_setattr(2)
 *	inode_setxattr, inode_removexattr, inode_set_acl, inode_remove_acl	setxattr
 *	inode_getxattr, inode_listxattr	getattr
 *	inode_free_security	forgets what was known of folders, see folder.bpf.h
 *
 * Some are given a dentry and not the mount it was reached by. Then all mounts of its file system in the task's
 * namespace are looked through, and what one of the object's names refuses is refused.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "enforce.bpf.h"

enum {
	ATTR_MODE = 1 << 0,
	ATTR_UID = 1 << 1,
	ATTR_GID = 1 << 2,
	ATTR_SIZE = 1 << 3,
	ATTR_ATIME = 1 << 4,
	ATTR_MTIME = 1 << 5,
	ATTR_FORCE = 1 << 9,
	PF_IO_WORKER = 0x10,
	MOUNTS = 4096, /* of a file system, that are looked through */
};

static __always_inline int enforce_path(u32 hook, u32 access, const struct path *path)
{
	struct object object = { .mnt = path->mnt, .dentry = path->dentry, .inode = path->dentry->d_inode };
	struct subject subject;

	if (!subject_is_confined(&subject))
		return 0;
	object.name.is_folder = is_folder(object.inode);
	return enforce(hook, access, &subject, &object);
}

SEC("lsm/path_truncate")
int BPF_PROG(krsi_path_truncate, const struct path *path, int ret)
{
	return ret ? ret : enforce_path(KRSI_HOOK_PATH_TRUNCATE, KRSI_ACCESS_TRUNCATE, path);
}

SEC("lsm/path_chmod")
int BPF_PROG(krsi_path_chmod, const struct path *path, unsigned short mode, int ret)
{
	return ret ? ret : enforce_path(KRSI_HOOK_PATH_CHMOD, KRSI_ACCESS_CHMOD, path);
}

SEC("lsm/path_chown")
int BPF_PROG(krsi_path_chown, const struct path *path, u32 uid, u32 gid, int ret)
{
	return ret ? ret : enforce_path(KRSI_HOOK_PATH_CHOWN, KRSI_ACCESS_CHOWN, path);
}

SEC("lsm/inode_getattr")
int BPF_PROG(krsi_inode_getattr, const struct path *path, int ret)
{
	return ret ? ret : enforce_path(KRSI_HOOK_INODE_GETATTR, KRSI_ACCESS_GETATTR, path);
}

/*
 * The names that an object of which only the dentry is known has in the task's mount namespace. What one of them is
 * refused, the object is.
 */
struct names {
	const struct subject *subject;
	kaddr dentry;
	kaddr sb;
	kaddr ns;
	kaddr mount;
	struct weight weight; /* of all of them */
	u32 uid;
	u32 count;
	u32 is_folder;
	u32 path_class; /* of the first */
	kaddr mnt;
};

static __always_inline void add_name(struct names *names, struct image *image, kaddr mnt, u64 state)
{
	const struct krsi_record *record;
	struct weight weight;

	if (names->is_folder)
		state = step_slash(image, state);
	record = record_in(&names->subject->policy, state);
	weight = weigh(record, owner_of(names->subject, mnt, names->uid));
	names->weight.allow &= weight.allow;
	names->weight.kill |= weight.kill;
	names->weight.log |= weight.log;
	if (names->count++)
		return;
	names->path_class = class_of_state(image, state);
	names->mnt = mnt;
}

static long names_step(u32 index, struct names *names)
{
	struct image image = image_of(names->subject->policy.image.base);
	kaddr mount = names->mount, mnt = mount + bpf_core_field_offset(struct mount, mnt);
	u64 state;

	if (no_more_mounts(names->sb, mount))
		return 1;
	names->mount = next_mount_of(mount);
	if (load_kaddr(mount, struct mount, mnt_ns) != names->ns)
		return 0;
	state = resolve(image.base, mnt, names->dentry);
	if (state_is_known(state))
		add_name(names, &image, mnt, state);
	return 0;
}

/* Fill @names; false if they cannot be told, for mounts come and go. */
static __always_inline bool find_names(struct names *names)
{
	u64 before = epoch_now() >> 32;

	names->mount = first_mount_of(names->sb);
	if (bpf_loop(MOUNTS, names_step, names, 0) == MOUNTS)
		return false;
	return names->count && epoch_now() >> 32 == before;
}

/*
 * Whether the kernel acts for itself in the task's name: overlayfs on the layers below, with its mounter's credentials.
 * Through io_uring a task can do that too (IORING_REGISTER_PERSONALITY), so it is not believed of one that has a ring.
 */
static __always_inline bool kernel_acts_for_itself(struct task_struct *task)
{
	return task->cred != task->real_cred && !task->io_uring && !(task->flags & PF_IO_WORKER);
}

static __always_inline int enforce_dentry(u32 hook, u32 access, struct dentry *dentry)
{
	struct inode *inode = dentry->d_inode;
	struct report report = {};
	struct subject subject;
	struct decision decision;
	struct names names = {};

	if (!subject_is_confined(&subject) || kernel_acts_for_itself(subject.task))
		return 0;
	if (!subject.policy.image.base || !inode)
		return conclude_blind(&subject, &report, hook, access);
	if (!(access & subject.policy.domain->mediated))
		return 0;
	names.subject = &subject;
	names.dentry = kaddr_of(dentry);
	names.sb = kaddr_of(dentry->d_sb);
	names.ns = kaddr_of(subject.task->nsproxy->mnt_ns);
	names.is_folder = is_folder(inode);
	names.uid = inode->i_uid.val;
	names.weight.allow = ~0;
	report.reason = KRSI_REASON_RECORD;
	if (!find_names(&names)) {
		names.weight = weigh(record_in(&subject.policy, STATE_UNRESOLVED), KRSI_OWNER_OTHER);
		report.reason = KRSI_REASON_UNRESOLVED;
	}
	decision = judge(&subject.policy, names.weight, access);
	if (!(decision.refused | decision.logged))
		return 0;
	report.hook = hook;
	report.access = access;
	report.refused = decision.refused;
	report.logged = decision.logged;
	report.owner = owner_of(&subject, names.mnt, names.uid);
	report.path_class = names.path_class;
	report.is_folder = names.is_folder;
	report.inode = kaddr_of(inode);
	report.mnt = names.mnt;
	report.dentry = names.count ? names.dentry : 0;
	return conclude(&subject, &report, decision.killed);
}

/* Times only: sizes, modes and owners have hooks of their own, and the rest is the kernel's own doing. */
static __always_inline int enforce_setattr(struct dentry *dentry, const struct iattr *attr)
{
	u32 valid = attr->ia_valid;

	if (!(valid & (ATTR_ATIME | ATTR_MTIME)) || valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_SIZE | ATTR_FORCE))
		return 0;
	return enforce_dentry(KRSI_HOOK_INODE_SETATTR, KRSI_ACCESS_SETATTR, dentry);
}

/* Since Linux commit c1632a0f1120 ("fs: port ->setattr() to pass mnt_idmap") (in v6.3) */
SEC("lsm/inode_setattr")
int BPF_PROG(krsi_inode_setattr, struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr, int ret)
{
	return ret ? ret : enforce_setattr(dentry, attr);
}

SEC("lsm/inode_setattr")
int BPF_PROG(krsi_inode_setattr_2, struct dentry *dentry, struct iattr *attr, int ret)
{
	return ret ? ret : enforce_setattr(dentry, attr);
}

SEC("lsm/inode_file_setattr")
int BPF_PROG(krsi_inode_file_setattr, struct dentry *dentry, void *attr, int ret)
{
	return ret ? ret : enforce_dentry(KRSI_HOOK_INODE_FILE_SETATTR, KRSI_ACCESS_SETATTR, dentry);
}

SEC("lsm/inode_setxattr")
int BPF_PROG(krsi_inode_setxattr, void *idmap, struct dentry *dentry, const char *name, const void *value,
	     unsigned long size, int flags, int ret)
{
	return ret ? ret : enforce_dentry(KRSI_HOOK_INODE_SETXATTR, KRSI_ACCESS_SETXATTR, dentry);
}

SEC("lsm/inode_removexattr")
int BPF_PROG(krsi_inode_removexattr, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	return ret ? ret : enforce_dentry(KRSI_HOOK_INODE_REMOVEXATTR, KRSI_ACCESS_SETXATTR, dentry);
}

/* Since Linux commit 72b3897e7875 ("security: add set acl hook") (in v6.2); before, ACLs come as xattrs */
SEC("lsm/inode_set_acl")
int BPF_PROG(krsi_inode_set_acl, void *idmap, struct dentry *dentry, const char *name, void *acl, int ret)
{
	return ret ? ret : enforce_dentry(KRSI_HOOK_INODE_SET_ACL, KRSI_ACCESS_SETXATTR, dentry);
}

SEC("lsm/inode_remove_acl")
int BPF_PROG(krsi_inode_remove_acl, void *idmap, struct dentry *dentry, const char *name, int ret)
{
	return ret ? ret : enforce_dentry(KRSI_HOOK_INODE_REMOVE_ACL, KRSI_ACCESS_SETXATTR, dentry);
}

SEC("lsm/inode_getxattr")
int BPF_PROG(krsi_inode_getxattr, struct dentry *dentry, const char *name, int ret)
{
	return ret ? ret : enforce_dentry(KRSI_HOOK_INODE_GETXATTR, KRSI_ACCESS_GETATTR, dentry);
}

SEC("lsm/inode_listxattr")
int BPF_PROG(krsi_inode_listxattr, struct dentry *dentry, int ret)
{
	return ret ? ret : enforce_dentry(KRSI_HOOK_INODE_LISTXATTR, KRSI_ACCESS_GETATTR, dentry);
}

/* The inode's memory may be another's soon. */
SEC("lsm/inode_free_security")
int BPF_PROG(krsi_inode_free_security, struct inode *inode)
{
	if (is_folder(inode))
		__sync_fetch_and_add(freed_of(kaddr_of(inode)), 1);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on what is not done to one object.
 *
 *	sb_mount, sb_umount, sb_pivotroot, move_mount	mount: it gives all that lies below a folder other names
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "enforce.bpf.h"

/* The place where it is done is told, but not asked about. */
static __always_inline int enforce_system(u32 hook, u32 access, kaddr mnt, kaddr dentry)
{
	struct report report = { .hook = hook, .access = access, .reason = KRSI_REASON_RECORD, .errno = -EPERM };
	struct subject subject;

	if (!subject_is_confined(&subject))
		return 0;
	if (!subject.policy.image.base)
		return conclude_blind(&subject, &report, hook, access);
	if (subject.policy.domain->system & access)
		return 0;
	report.refused = access;
	report.logged = access;
	report.is_folder = true;
	report.mnt = mnt;
	report.dentry = dentry;
	return conclude(&subject, &report, 0);
}

static __always_inline int enforce_mount(u32 hook, const struct path *path)
{
	return enforce_system(hook, KRSI_ACCESS_MOUNT, kaddr_of(path->mnt), kaddr_of(path->dentry));
}

SEC("lsm/sb_mount")
int BPF_PROG(krsi_sb_mount, const char *device, const struct path *path, const char *type, unsigned long flags,
	     void *data, int ret)
{
	return ret ? ret : enforce_mount(KRSI_HOOK_SB_MOUNT, path);
}

SEC("lsm/sb_umount")
int BPF_PROG(krsi_sb_umount, struct vfsmount *mnt, int flags, int ret)
{
	return ret ? ret : enforce_system(KRSI_HOOK_SB_UMOUNT, KRSI_ACCESS_MOUNT, kaddr_of(mnt), kaddr_of(mnt->mnt_root));
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(krsi_sb_pivotroot, const struct path *old_path, const struct path *new_path, int ret)
{
	return ret ? ret : enforce_mount(KRSI_HOOK_SB_PIVOTROOT, new_path);
}

SEC("lsm/move_mount")
int BPF_PROG(krsi_move_mount, const struct path *from_path, const struct path *to_path, int ret)
{
	return ret ? ret : enforce_mount(KRSI_HOOK_MOVE_MOUNT, to_path);
}

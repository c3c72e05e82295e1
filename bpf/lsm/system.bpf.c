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

static __always_inline int enforce_mount_at(u32 hook, struct vfsmount *mnt, struct dentry *dentry)
{
	struct subject subject;
	struct report report;

	if (!subject_is_confined(&subject))
		return 0;
	return conclude_system(&subject, &report, hook, KRSI_ACCESS_MOUNT, kaddr_of(mnt), kaddr_of(dentry));
}

static __always_inline int enforce_mount(u32 hook, const struct path *path)
{
	return enforce_mount_at(hook, path->mnt, path->dentry);
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
	return ret ? ret : enforce_mount_at(KRSI_HOOK_SB_UMOUNT, mnt, mnt->mnt_root);
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

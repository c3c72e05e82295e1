// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on open files.
 *
 *	file_open		read, write, append; create for a file without a name (O_TMPFILE); mount for a mount
 *				namespace, by which a task would get other names for everything
 *	file_receive		the same, of a descriptor that comes over a socket or by pidfd_getfd(2)
 *	file_fcntl		write, when a descriptor gives up O_APPEND
 *	file_ioctl, _compat	ioctl
 *	file_lock		lock
 *	file_truncate		truncate: ftruncate(2), and open(2) with O_TRUNC
 *	mmap_file		map; write, for a shared mapping of what is open to append only
 *	file_mprotect		map
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "enforce.bpf.h"

enum {
	FMODE_READ = 1 << 0,
	FMODE_WRITE = 1 << 1,
	FMODE_EXEC = 1 << 5, /* of f_flags: opened to be executed, which exec.bpf.c decides */
	O_ACCMODE = 3,
	O_APPEND = 02000,
	O_TMPFILE = 020000000, /* without O_DIRECTORY, which it implies */
	F_SETFL = 4,
	PROT_EXEC = 4,
	MAP_PRIVATE = 2,
	MAP_TYPE = 15,
	VM_EXEC = 4,
};

_Static_assert((int)FMODE_READ == (int)KRSI_ACCESS_READ && (int)FMODE_WRITE == (int)KRSI_ACCESS_WRITE, "the same bits");

/* What was opened with the access mode 3 may be neither read nor written, but asks DAC for both. */
static __always_inline u32 access_of_file(const struct file *file)
{
	u32 flags = file->f_flags, access = file->f_mode & (FMODE_READ | FMODE_WRITE);

	if ((flags & O_ACCMODE) == O_ACCMODE)
		access = KRSI_ACCESS_READ | KRSI_ACCESS_WRITE;
	if (access & KRSI_ACCESS_WRITE && flags & O_APPEND)
		access += KRSI_ACCESS_APPEND - KRSI_ACCESS_WRITE;
	return access;
}

static __always_inline int enforce_file(u32 hook, u32 access, const struct subject *subject, struct file *file)
{
	struct object object = {
		.mnt = file->f_path.mnt,
		.dentry = file->f_path.dentry,
		.inode = file->f_inode,
		.name.is_folder = is_folder(file->f_inode),
	};

	return enforce(hook, access, subject, &object);
}

/* A task opens @file. DAC has agreed already: what it refuses never gets here. */
SEC("lsm/file_open")
int BPF_PROG(krsi_file_open, struct file *file, int ret)
{
	struct subject subject;
	u32 access;

	if (ret || !subject_is_confined(&subject) || file->f_flags & FMODE_EXEC)
		return ret;
	access = access_of_file(file);
	if (file->f_flags & O_TMPFILE)
		access |= KRSI_ACCESS_CREATE;
	return enforce_file(KRSI_HOOK_FILE_OPEN, access, &subject, file);
}

SEC("lsm/file_receive")
int BPF_PROG(krsi_file_receive, struct file *file, int ret)
{
	struct subject subject;

	if (ret || !subject_is_confined(&subject))
		return ret;
	return enforce_file(KRSI_HOOK_FILE_RECEIVE, access_of_file(file), &subject, file);
}

/* Only the right to append does not allow to stop appending. */
SEC("lsm/file_fcntl")
int BPF_PROG(krsi_file_fcntl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	struct subject subject;

	if (ret || cmd != F_SETFL || arg & O_APPEND || !(file->f_flags & O_APPEND) || !(file->f_mode & FMODE_WRITE) ||
	    !subject_is_confined(&subject))
		return ret;
	return enforce_file(KRSI_HOOK_FILE_FCNTL, KRSI_ACCESS_WRITE, &subject, file);
}

SEC("lsm/file_ioctl")
int BPF_PROG(krsi_file_ioctl, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	struct subject subject;

	if (ret || !subject_is_confined(&subject))
		return ret;
	return enforce_file(KRSI_HOOK_FILE_IOCTL, KRSI_ACCESS_IOCTL, &subject, file);
}

/* Since Linux commit f1bb47a31dff ("lsm: new security_file_ioctl_compat() hook") (in v6.8; in v6.1.75) */
SEC("lsm/file_ioctl_compat")
int BPF_PROG(krsi_file_ioctl_compat, struct file *file, unsigned int cmd, unsigned long arg, int ret)
{
	struct subject subject;

	if (ret || !subject_is_confined(&subject))
		return ret;
	return enforce_file(KRSI_HOOK_FILE_IOCTL_COMPAT, KRSI_ACCESS_IOCTL, &subject, file);
}

SEC("lsm/file_lock")
int BPF_PROG(krsi_file_lock, struct file *file, unsigned int cmd, int ret)
{
	struct subject subject;

	if (ret || !subject_is_confined(&subject))
		return ret;
	return enforce_file(KRSI_HOOK_FILE_LOCK, KRSI_ACCESS_LOCK, &subject, file);
}

/* Since Linux commit 3350607dc563 ("security: Create file_truncate hook from path_truncate hook") (in v6.2) */
SEC("lsm/file_truncate")
int BPF_PROG(krsi_file_truncate, struct file *file, int ret)
{
	struct subject subject;

	if (ret || !subject_is_confined(&subject))
		return ret;
	return enforce_file(KRSI_HOOK_FILE_TRUNCATE, KRSI_ACCESS_TRUNCATE, &subject, file);
}

/* What may be mapped as code; and through a shared mapping a file is written wherever the task likes. */
static __always_inline u32 access_of_mapping(const struct file *file, unsigned long prot, unsigned long flags)
{
	u32 access = prot & PROT_EXEC ? KRSI_ACCESS_MAP : 0;

	if ((flags & MAP_TYPE) != MAP_PRIVATE && file->f_flags & O_APPEND && file->f_mode & FMODE_WRITE)
		access |= KRSI_ACCESS_WRITE;
	return access;
}

SEC("lsm/mmap_file")
int BPF_PROG(krsi_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags, int ret)
{
	struct subject subject;
	u32 access;

	if (ret || !file || !subject_is_confined(&subject) || is_null(file))
		return ret;
	access = access_of_mapping(file, prot, flags);
	if (!access)
		return 0;
	return enforce_file(KRSI_HOOK_MMAP_FILE, access, &subject, file);
}

SEC("lsm/file_mprotect")
int BPF_PROG(krsi_file_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	struct subject subject;
	struct file *file;

	if (ret || !(prot & PROT_EXEC) || vma->vm_flags & VM_EXEC)
		return ret;
	file = vma->vm_file;
	if (!file || !subject_is_confined(&subject) || is_null(file))
		return 0;
	return enforce_file(KRSI_HOOK_FILE_MPROTECT, KRSI_ACCESS_MAP, &subject, file);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks on names: what is made, linked, renamed and removed in a folder.
 *
 *	path_mknod	create; mknod for a device. Regular files come here too, and sockets from bind(2)
 *	path_mkdir	create
 *	path_symlink	create
 *	path_link	link, by both names
 *	path_unlink	delete
 *	path_rmdir	delete
 *	path_rename	rename, by both names
 *
 * A file system that works on top of another (overlayfs) calls inode_* hooks for the lower one, but none of these.
 */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "enforce.bpf.h"

enum {
	S_IFCHR = 0020000,
	S_IFBLK = 0060000,
	RENAME_EXCHANGE = 1 << 1,
};

/* @dentry is a name in @folder, which nothing has yet. */
static __always_inline int enforce_new(u32 hook, u32 access, const struct path *folder, struct dentry *dentry,
				       bool is_folder)
{
	struct object object = { .mnt = folder->mnt, .dentry = dentry, .name.is_folder = is_folder };
	struct subject subject;

	if (!subject_is_confined(&subject))
		return 0;
	return enforce(hook, access, &subject, &object);
}

/* @dentry is a name in @folder. */
static __always_inline int enforce_old(u32 hook, u32 access, const struct path *folder, struct dentry *dentry)
{
	struct object object = { .mnt = folder->mnt, .dentry = dentry, .inode = dentry->d_inode };
	struct subject subject;

	if (!subject_is_confined(&subject))
		return 0;
	object.name.is_folder = is_folder(object.inode);
	return enforce(hook, access, &subject, &object);
}

SEC("lsm/path_mknod")
int BPF_PROG(krsi_path_mknod, const struct path *dir, struct dentry *dentry, unsigned short mode, unsigned int dev,
	     int ret)
{
	bool is_device = (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK;

	if (ret)
		return ret;
	return enforce_new(KRSI_HOOK_PATH_MKNOD, is_device ? KRSI_ACCESS_MKNOD : KRSI_ACCESS_CREATE, dir, dentry, false);
}

SEC("lsm/path_mkdir")
int BPF_PROG(krsi_path_mkdir, const struct path *dir, struct dentry *dentry, unsigned short mode, int ret)
{
	return ret ? ret : enforce_new(KRSI_HOOK_PATH_MKDIR, KRSI_ACCESS_CREATE, dir, dentry, true);
}

SEC("lsm/path_symlink")
int BPF_PROG(krsi_path_symlink, const struct path *dir, struct dentry *dentry, const char *old_name, int ret)
{
	return ret ? ret : enforce_new(KRSI_HOOK_PATH_SYMLINK, KRSI_ACCESS_CREATE, dir, dentry, false);
}

SEC("lsm/path_unlink")
int BPF_PROG(krsi_path_unlink, const struct path *dir, struct dentry *dentry, int ret)
{
	return ret ? ret : enforce_old(KRSI_HOOK_PATH_UNLINK, KRSI_ACCESS_DELETE, dir, dentry);
}

SEC("lsm/path_rmdir")
int BPF_PROG(krsi_path_rmdir, const struct path *dir, struct dentry *dentry, int ret)
{
	return ret ? ret : enforce_old(KRSI_HOOK_PATH_RMDIR, KRSI_ACCESS_DELETE, dir, dentry);
}

/* The old name is on the mount of the new one: vfs_link() has seen to that. */
SEC("lsm/path_link")
int BPF_PROG(krsi_path_link, struct dentry *old_dentry, const struct path *new_dir, struct dentry *new_dentry, int ret)
{
	struct object from = { .mnt = new_dir->mnt, .dentry = old_dentry, .inode = old_dentry->d_inode };
	struct object to = { .mnt = new_dir->mnt, .dentry = new_dentry, .inode = old_dentry->d_inode };
	struct subject subject;

	if (ret || !subject_is_confined(&subject))
		return ret;
	return enforce_move(KRSI_HOOK_PATH_LINK, KRSI_ACCESS_LINK, &subject, &from, &to, false);
}

/* Before v6.0 the hook was called for each direction of an exchange, and the flags were not given. */
SEC("lsm/path_rename")
int BPF_PROG(krsi_path_rename, const struct path *old_dir, struct dentry *old_dentry, const struct path *new_dir,
	     struct dentry *new_dentry, unsigned int flags, int ret)
{
	struct object from = { .mnt = old_dir->mnt, .dentry = old_dentry, .inode = old_dentry->d_inode };
	struct object to = { .mnt = new_dir->mnt, .dentry = new_dentry, .inode = new_dentry->d_inode };
	struct subject subject;

	if (ret || !subject_is_confined(&subject))
		return ret;
	if (is_null(to.inode))
		to.inode = NULL;
	from.name.is_folder = is_folder(from.inode);
	to.name.is_folder = flags & RENAME_EXCHANGE && to.inode ? is_folder(to.inode) : from.name.is_folder;
	if (!to.inode) /* a name that nothing has */
		to.inode = from.inode;
	return enforce_move(KRSI_HOOK_PATH_RENAME, KRSI_ACCESS_RENAME, &subject, &from, &to, flags & RENAME_EXCHANGE);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's types, and of each only the fields that are read here. No vmlinux.h: what krsi depends on is what
 * stands below, and CO-RE finds it in whatever kernel the object is loaded into.
 */
#ifndef KRSI_KERNEL_BPF_H
#define KRSI_KERNEL_BPF_H

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct seqcount {
	unsigned int sequence;
};

struct timespec64 {
	s64 tv_sec;
	long tv_nsec;
};

struct qstr {
	union {
		struct {
			u32 hash;
			u32 len;
		};
		u64 hash_len;
	};
	const unsigned char *name;
};

struct list_head {
	struct list_head *next;
};

struct super_block {
	u32 s_dev;
	unsigned long s_flags;
	unsigned long s_magic;
	struct list_head s_mounts;
};

struct inode {
	unsigned short i_mode;
	struct {
		u32 val;
	} i_uid;
	unsigned long i_ino;
	struct super_block *i_sb;
	void *i_private;
};

struct dentry {
	unsigned int d_flags;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	unsigned char d_iname[32];
	struct super_block *d_sb;
};

struct mnt_idmap;

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
	struct mnt_idmap *mnt_idmap;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct mnt_namespace {
	u64 seq;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_instance;
	struct mnt_namespace *mnt_ns;
};

struct proc_ns_operations {
	int type;
};

struct ns_common {
	const struct proc_ns_operations *ops;
};

struct file {
	struct path f_path;
	struct inode *f_inode;
	unsigned int f_flags;
	unsigned int f_mode;
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};

struct iattr {
	unsigned int ia_valid;
};

struct cred {
	struct {
		u32 val;
	} uid, gid, euid, fsuid;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *close_on_exec;
	unsigned long *open_fds;
};

struct files_struct {
	struct {
		int counter;
	} count;
	struct fdtable *fdt;
};

struct fs_struct {
	struct path pwd;
};

struct mm_struct {
	struct file *exe_file;
};

struct bpf_local_storage_map {
	unsigned short cache_idx;
};

struct bpf_local_storage_data {
	struct bpf_local_storage_map *smap;
	unsigned char data[];
};

struct hlist_node {
	struct hlist_node *next;
};

struct bpf_local_storage_elem {
	struct hlist_node snode;
	struct bpf_local_storage_data sdata;
};

struct bpf_local_storage {
	struct bpf_local_storage_data *cache[16];
	struct {
		struct hlist_node *first;
	} list;
};

struct task_struct {
	unsigned int flags;
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	u64 start_boottime;
	unsigned long atomic_flags;
	void *io_uring;
	const struct cred *real_cred;
	const struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct nsproxy *nsproxy;
	struct files_struct *files;
	struct mm_struct *mm;
	struct bpf_local_storage *bpf_storage;
};

struct linux_binprm {
	unsigned long p;
	struct file *file;
	int unsafe;
	int argc;
};

#pragma clang attribute pop

#endif

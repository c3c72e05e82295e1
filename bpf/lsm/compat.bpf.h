/* SPDX-License-Identifier: GPL-2.0-only */
/* One entry per change of the kernel that the programs must live with, and nowhere else a trace of it. */
#ifndef KRSI_COMPAT_BPF_H
#define KRSI_COMPAT_BPF_H

#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * The kernel's own symbols. They are weak so that oracle.bpf.c loads where the kernel does not give all of them away;
 * without the locks nothing is ever settled (see folder.bpf.h), and krsi refuses to enforce. One object says that they are
 * the kernel's (it defines KRSI_KSYMS), for bpftool 7.1 fails to link a second one that does ("failed to resolve size of
 * underlying type"); to the others they are plain externs.
 */
#ifdef KRSI_KSYMS
#define __kernel __ksym
#else
#define __kernel
#endif

extern const void rename_lock __kernel __weak;
extern const void mount_lock __kernel __weak;
extern const void nop_mnt_idmap __kernel __weak;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __kernel __weak;

/*
 * A kernel pointer as a number: its distance from krsi_anchor. The verifier allows no arithmetic on pointers but their
 * difference. Numbers can be compared, hashed, kept in maps, and read through by load_field().
 */
typedef u64 kaddr;

extern u64 krsi_anchor;

static __always_inline kaddr kaddr_of(const void *pointer)
{
	u64 distance = (u64)pointer;

	asm volatile("%0 -= %1" : "+r"(distance) : "r"(&krsi_anchor));
	return distance;
}

/* The anchor holds its own address, for kaddr_pointer(). Every program that reads through a kaddr begins with this. */
static __always_inline void anchor_drop(void)
{
	*(volatile u64 *)&krsi_anchor = (u64)&krsi_anchor;
}

static __always_inline u64 kaddr_pointer(kaddr address)
{
	return address + *(volatile u64 *)&krsi_anchor;
}

/*
 * Whether @pointer is NULL, to be asked when the anchor has been dropped. From v6.3 on the verifier takes what a hook is
 * given, and some of its fields, for never NULL, and removes a plain test as needless: then a mapping of no file, or a
 * name that nothing has, takes the kernel down. It must be tested as well, for later verifiers (seen in v7.2) want that.
 */
static __always_inline bool is_null(const void *pointer)
{
	return !kaddr_pointer(kaddr_of(pointer));
}

/*
 * Since Linux commit a35b9af4ec2c ("bpf: Add a kfunc for generic type cast") (in v6.2), a number can be read through
 * like a pointer; before it takes a helper call. krsi sets has_rdonly_cast from the kernel's BTF before it loads the
 * programs, and the verifier drops the other branch.
 */
extern const bool has_rdonly_cast;

#define load_at(pointer, type, field) ({							\
	typeof(((type *)0)->field) __value;							\
	void *__object = (void *)(pointer);							\
	if (has_rdonly_cast)									\
		__value = ((type *)bpf_rdonly_cast(__object, bpf_core_type_id_kernel(type)))->field; \
	else											\
		bpf_core_read(&__value, sizeof(__value), &((type *)__object)->field);		\
	__value;										\
})

/* Load @field, a number, of the struct @type at the kaddr @address. Gives 0 where no memory is. */
#define load_field(address, type, field) load_at(kaddr_pointer(address), type, field)

/* Load @field, a pointer to a struct, as a kaddr: through a cast it is a pointer to the verifier, else a number. */
#define load_kaddr(address, type, field) ({							\
	kaddr __pointer = 0;									\
	void *__holder = (void *)kaddr_pointer(address);					\
	if (has_rdonly_cast) {									\
		__pointer = kaddr_of(load_at(__holder, type, field));				\
	} else {										\
		bpf_core_read(&__pointer, sizeof(__pointer), &((type *)__holder)->field);	\
		__pointer -= kaddr_pointer(0);							\
	}											\
	__pointer;										\
})

/* Load the 32-bit number at @pointer: through a kernel type that is nothing else. */
static __always_inline u32 load_int(const void *pointer)
{
	u32 number;

	if (has_rdonly_cast)
		return *(const u32 *)bpf_rdonly_cast(pointer, bpf_core_type_id_kernel(struct seqcount));
	bpf_probe_read_kernel(&number, sizeof(number), pointer);
	return number;
}

/* Load the 64-bit number at @pointer: of a kernel type that is nothing else. */
#define load_word(pointer) load_at(pointer, struct timespec64, tv_sec)

/* @number & @mask, where clang knows the mask to be needless and the verifier does not. */
#define bounded(number, mask) ({	\
	u64 __number = (number);	\
	barrier_var(__number);		\
	__number & (mask);		\
})

/* Since Linux commit 58cf9c383c5c ("dcache: back inline names with a struct-wrapped array of unsigned long") (in v6.14) */
union shortname_store {
	unsigned char string[40];
};

struct dentry___v6_14 {
	union shortname_store d_shortname;
} __attribute__((preserve_access_index));

/* Bytes that a name may have, with its NUL, to be stored in the dentry itself. */
static __always_inline u32 short_name_size(void)
{
	if (bpf_core_field_exists(struct dentry___v6_14, d_shortname))
		return bpf_core_field_size(struct dentry___v6_14, d_shortname);
	return bpf_core_field_size(struct dentry, d_iname);
}

/* The words of a short name; those behind short_name_size() are not there. */
#define short_name_word(dentry, n) (bpf_core_field_exists(struct dentry___v6_14, d_shortname) ?			\
	((u64 *)__builtin_preserve_access_index(&((struct dentry___v6_14 *)(dentry))->d_shortname))[n] :	\
	((u64 *)__builtin_preserve_access_index(&(dentry)->d_iname))[n])

/*
 * Since Linux commit 256c8aed2b42 ("fs: introduce dedicated idmap type for mounts") (in v6.2) a mount has an idmap, most
 * mounts the one that changes nothing; before, a user namespace, most mounts their file system's.
 */
struct vfsmount___v6_1 {
	struct user_namespace *mnt_userns;
} __attribute__((preserve_access_index));

struct super_block___v6_1 {
	struct user_namespace *s_user_ns;
} __attribute__((preserve_access_index));

static __always_inline bool mount_is_idmapped(kaddr mnt)
{
	kaddr sb;

	if (bpf_core_field_exists(struct vfsmount, mnt_idmap))
		return kaddr_pointer(load_kaddr(mnt, struct vfsmount, mnt_idmap)) != (u64)&nop_mnt_idmap;
	sb = load_kaddr(mnt, struct vfsmount, mnt_sb);
	return load_kaddr(mnt, struct vfsmount___v6_1, mnt_userns) != load_kaddr(sb, struct super_block___v6_1, s_user_ns);
}

/*
 * The mounts of a file system are a list with its head in the superblock (seen in v6.1 and v6.12), or a chain that the
 * superblock begins (seen in v7.2).
 */
struct mount___v7_2 {
	struct mount *mnt_next_for_sb;
} __attribute__((preserve_access_index));

struct super_block___v7_2 {
	struct mount *s_mounts;
} __attribute__((preserve_access_index));

static __always_inline kaddr mount_of_instance(kaddr instance)
{
	return instance - bpf_core_field_offset(struct mount, mnt_instance);
}

static __always_inline kaddr first_mount_of(kaddr sb)
{
	if (bpf_core_field_exists(struct mount___v7_2, mnt_next_for_sb))
		return load_kaddr(sb, struct super_block___v7_2, s_mounts);
	return mount_of_instance(load_kaddr(sb, struct super_block, s_mounts.next));
}

static __always_inline kaddr next_mount_of(kaddr mount)
{
	if (bpf_core_field_exists(struct mount___v7_2, mnt_next_for_sb))
		return load_kaddr(mount, struct mount___v7_2, mnt_next_for_sb);
	return mount_of_instance(load_kaddr(mount, struct mount, mnt_instance.next));
}

/* Whether the chain that @mount was reached by has ended: at nothing, or at its head. */
static __always_inline bool no_more_mounts(kaddr sb, kaddr mount)
{
	if (bpf_core_field_exists(struct mount___v7_2, mnt_next_for_sb))
		return !kaddr_pointer(mount);
	return mount == mount_of_instance(sb + bpf_core_field_offset(struct super_block, s_mounts));
}

/*
 * A detached tree of mounts has an anonymous namespace. That is said by is_anon (seen in v7.2), before by the id of the
 * namespace (seen in v6.18), before by its sequence number (v6.1, v6.12): 0 is anonymous.
 */
struct mnt_namespace___v7_2 {
	bool is_anon;
} __attribute__((preserve_access_index));

struct ns_common___v6_18 {
	u64 ns_id;
} __attribute__((preserve_access_index));

struct mnt_namespace___v6_18 {
	struct ns_common___v6_18 ns;
} __attribute__((preserve_access_index));

static __always_inline bool namespace_is_anonymous(kaddr ns)
{
	if (bpf_core_field_exists(struct mnt_namespace___v7_2, is_anon))
		return load_field(ns, struct mnt_namespace___v7_2, is_anon);
	if (bpf_core_field_exists(struct mnt_namespace, seq))
		return !load_field(ns, struct mnt_namespace, seq);
	return !load_field(ns, struct mnt_namespace___v6_18, ns.ns_id);
}

/* What kind of namespace it is, a CLONE_NEW…: it says so itself (seen in v7.2); before, its operations do. */
struct ns_common___v7_2 {
	u32 ns_type;
} __attribute__((preserve_access_index));

static __always_inline u32 kind_of_namespace(kaddr ns)
{
	if (bpf_core_field_exists(struct ns_common___v7_2, ns_type))
		return load_field(ns, struct ns_common___v7_2, ns_type);
	return load_field(load_kaddr(ns, struct ns_common, ops), struct proc_ns_operations, type);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Folders whose automaton state is known, and whether that still holds: a small direct-mapped cache.
 *
 * A remembered state holds for the same dentry, inode, mount and policy generation as long as the two counters that
 * d_path() itself relies on stand still (rename_lock, mount_lock; odd: a writer is inside) and no folder's inode was
 * freed whose address falls into the same bucket: addresses are reused. An entry is sealed, so a torn one is none.
 */
#ifndef KRSI_FOLDER_BPF_H
#define KRSI_FOLDER_BPF_H

#include "compat.bpf.h"
#include "automaton.bpf.h"

static __always_inline u32 renames_now(void)
{
	u32 renames;

	barrier(); /* What is read between two looks must stay there. */
	renames = load_int(&rename_lock);
	barrier();
	return renames;
}

/* The two counters: renames below, mounts above. Odd ones mean that names are changing now. */
static __always_inline u64 epoch_now(void)
{
	u64 mounts = load_int(&mount_lock);

	return mounts << 32 | renames_now();
}

/* Whether names are being changed right now. */
static __always_inline bool epoch_is_odd(u64 epoch)
{
	return epoch & (1ull << 32 | 1);
}

static __always_inline bool epoch_is_settled(u64 epoch)
{
	return &rename_lock && &mount_lock && !epoch_is_odd(epoch);
}

static __always_inline u64 *freed_of(kaddr inode)
{
	/* Inodes are some hundred bytes large. */
	return &freed_folders[(inode >> 8) & (KRSI_FREED - 1)];
}

static __always_inline u32 folder_index(kaddr dentry)
{
	/* Dentries are 192 bytes large and mostly come from few pages. */
	return ((dentry >> 6) ^ (dentry >> 18)) & (KRSI_FOLDERS - 1);
}

static __always_inline struct krsi_folder *folder_slot(kaddr dentry)
{
	return &folders[folder_index(dentry)];
}

static __always_inline u64 folder_seal(const struct krsi_folder *folder)
{
	u64 seal = folder->dentry;

	seal = seal * 0x9e3779b97f4a7c15 + folder->inode;
	seal = seal * 0x9e3779b97f4a7c15 + folder->mnt;
	seal = seal * 0x9e3779b97f4a7c15 + folder->epoch;
	seal = seal * 0x9e3779b97f4a7c15 + folder->freed;
	return seal * 0x9e3779b97f4a7c15 + folder->state;
}

/* Fill @key with all that a remembered state depends on. */
static __always_inline void folder_key(struct krsi_folder *key, kaddr dentry, kaddr inode, kaddr mnt, u64 epoch,
				       u32 generation)
{
	key->dentry = dentry;
	key->inode = inode;
	key->mnt = mnt;
	key->epoch = epoch;
	key->freed = *freed_of(inode) + ((u64)generation << 32);
}

static __always_inline u32 folder_recall(struct krsi_folder *key)
{
	const volatile struct krsi_folder *slot = folder_slot(key->dentry);

	barrier_var(slot); /* or clang computes it again for each field */
	if (slot->dentry != key->dentry || slot->inode != key->inode || slot->mnt != key->mnt ||
	    slot->epoch != key->epoch || slot->freed != key->freed)
		return STATE_NONE;
	key->state = slot->state;
	key->seal = folder_seal(key);
	return slot->seal == key->seal ? key->state : STATE_NONE;
}

static __always_inline void folder_remember(struct krsi_folder *key, u32 state)
{
	key->state = state;
	key->seal = folder_seal(key);
	*folder_slot(key->dentry) = *key;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps that all programs share. They are defined in maps.bpf.c; the types are named so that both sides agree. */
#ifndef KRSI_MAPS_BPF_H
#define KRSI_MAPS_BPF_H

#include "kernel.bpf.h"
#include "krsi.h"
#include <bpf/bpf_helpers.h>

enum {
	KRSI_FOLDERS = 4096, /* cached folders, a power of two */
	KRSI_FREED = 256,    /* counters of freed folders, a power of two */
	KRSI_FOLDER_TEXT = 256, /* more than the bytes of a folder's path that is kept, a power of two */
	KRSI_CHAIN = 32,     /* names remembered on the way up, a power of two; a longer path is climbed again for so many */
	KRSI_WALKS = 256,    /* walks under way at once, a power of two */
	KRSI_DRAFTS = 64,    /* records under way at once, a power of two */
};

/*
 * What the automaton makes of the path of a folder, kept while nothing can have moved it: see folder.bpf.h.
 * Addresses are only compared, never followed.
 */
struct krsi_folder {
	u64 dentry;
	u64 inode;
	u64 mnt;
	u64 epoch;
	u64 freed; /* folders freed, and above that the policy's generation */
	u64 state;
	u64 seal;  /* over all of the above: an entry torn by a second writer has a wrong one */
	u64 zero;
};

/* The way from an object up to where its path is known, and down again: see walk.bpf.h. */
struct krsi_walk {
	u64 lock;     /* 1 while somebody uses it */
	u64 object;
	u64 object_mnt;
	u64 epoch;
	u64 attempts;
	u64 dentry;   /* where we stand */
	u64 mnt;
	u64 folder;   /* the object's own, as first seen */
	u64 folder_mnt;
	u64 climbing; /* 1 up, 0 down */
	u64 level;    /* names between the object and where we stand */
	u64 stop;     /* the level whose state is known, from which a long path is climbed again */
	u64 lowest;   /* the lowest level whose name the chain holds */
	u64 state;    /* of where we stand, or at level stop while climbing */
	u64 folder_state;
	u64 result;   /* the state after the whole path, once the walk has ended */
	u64 volatile_names; /* a file system on the way renames behind the VFS */
	u64 name;     /* what is left of the name under way */
	u64 left;
	u64 chain[KRSI_CHAIN]; /* the last names passed: dentries, by level */
};

struct krsi_walks {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KRSI_WALKS);
	__type(key, u32);
	__type(value, struct krsi_walk);
};

/* The path of a remembered folder as text, with its last slash. */
struct krsi_text {
	u64 lock; /* odd while it is written; else the number of writings, doubled */
	u64 seal; /* of the remembered folder that the text is of */
	u64 epoch; /* in which it was written: see folder.bpf.h */
	u64 len;
	char bytes[KRSI_FOLDER_TEXT];
};

/* Where a record with long texts is put together: the paths, one after the other, and then the record. */
struct krsi_draft {
	u64 lock; /* 1 while somebody uses it */

	/* The path that is being written, see text.bpf.h. */
	u64 object;
	u64 object_mnt;
	u64 is_folder;
	u64 begin; /* of the path in the text */
	u64 epoch;
	u64 attempts;
	u64 measuring;
	u64 dentry; /* where we stand */
	u64 mnt;
	u64 len;    /* bytes measured: in the end those of the path that stand at begin; 0 if it has none */
	u64 offset; /* of what is written: goes down to begin */
	u64 cut;    /* 1 if the path is longer than there is room, and its beginning is missing */

	struct krsi_event event;
	char text[2 * KRSI_PATH + 256]; /* a whole name may be written where one byte of room is left */
};

struct krsi_texts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KRSI_FOLDERS);
	__type(key, u32);
	__type(value, struct krsi_text);
};

struct krsi_drafts {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, KRSI_DRAFTS);
	__type(key, u32);
	__type(value, struct krsi_draft);
};

struct krsi_tasks {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct krsi_task);
};

/* One value: a whole struct krsi_image. Its size is set before the object is loaded. */
struct krsi_image_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__uint(value_size, 4096);
};

/* The policy in force: replaced whole by one store, and each decision looks it up once. */
struct krsi_images {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(u32));
	__array(values, struct krsi_image_map);
};

struct krsi_events {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
};

extern struct krsi_tasks tasks SEC(".maps");
extern struct krsi_images images SEC(".maps");
extern struct krsi_events events SEC(".maps");
extern struct krsi_walks walks SEC(".maps");
extern struct krsi_texts texts SEC(".maps");
extern struct krsi_drafts drafts SEC(".maps");

extern struct krsi_folder folders[KRSI_FOLDERS];
extern u64 freed_folders[KRSI_FREED];
extern u64 sequence; /* of records, those that found no room included */

#endif

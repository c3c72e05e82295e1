// SPDX-License-Identifier: GPL-2.0-only
/* The maps, and what krsi sets before it loads the object. */
#include "maps.bpf.h"

struct krsi_tasks tasks SEC(".maps");
struct krsi_images images SEC(".maps");
struct krsi_events events SEC(".maps");
struct krsi_walks walks SEC(".maps");
struct krsi_texts texts SEC(".maps");
struct krsi_drafts drafts SEC(".maps");

struct krsi_folder folders[KRSI_FOLDERS];
u64 freed_folders[KRSI_FREED];
u64 sequence;
u64 krsi_anchor;

const volatile bool has_rdonly_cast = false;
const volatile u32 image_words = 512;

/* Names the table of contents, for clang keeps in BTF only what something names. */
const union krsi_abi *const krsi_abi = 0;

char LICENSE[] SEC("license") = "GPL";

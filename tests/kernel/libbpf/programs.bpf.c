/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of krsi.bpf load: one map of each kind, constants, and programs that any kernel lets run. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct pair {
	__u32 low;
	__u32 high;
};

struct prefix {
	__u32 bits;
	__u8 address[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, struct pair);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u32);
} percpu SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16);
	__type(key, struct prefix);
	__type(value, __u32);
} lpm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 2);
	__type(value, __u64);
} queue SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 2);
	__type(value, __u64);
} stack SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pair);
} tasks SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} banks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH_OF_MAPS);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} named SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

/* Set from user space before load. */
const volatile __u32 limit = 7;
const volatile __s64 offset = -1;
const volatile __u8 flag;
const volatile char label[8] = "before";
const volatile struct pair both;

/* Counted by who runs. */
__u64 runs;

SEC("raw_tp/sys_enter")
int count_entries(void *ctx)
{
	__sync_fetch_and_add(&runs, 1);
	return 0;
}

/* Gives that of the packet, behind its Ethernet header. */
SEC("socket")
int first_byte(struct __sk_buff *skb)
{
	__u8 byte = 0;

	bpf_skb_load_bytes(skb, 0, &byte, 1);
	return byte;
}

struct constants {
	__u32 limit;
	__u32 flag;
	__s64 offset;
	char label[8];
	struct pair both;
};

/* Copies the constants into its context. */
SEC("syscall")
int show_constants(struct constants *ctx)
{
	ctx->limit = limit;
	ctx->offset = offset;
	ctx->flag = flag;
	for (int i = 0; i < sizeof(label); i++)
		ctx->label[i] = label[i];
	ctx->both.low = both.low;
	ctx->both.high = both.high;
	return 3;
}

#define LONGEST 65536

struct fill {
	__u32 count;  /* records to write */
	__u32 size;   /* bytes of each */
	__u32 number; /* written before, over all runs */
	__u32 lost;
};

struct text {
	__u32 number;
	__u8 byte[LONGEST - 4];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct text);
} texts SEC(".maps");

static long write_one(__u32 index, struct fill *fill)
{
	__u32 zero = 0, size = fill->size;
	struct text *text = bpf_map_lookup_elem(&texts, &zero);

	if (!text || size < sizeof(text->number) || size > sizeof(*text))
		return 1;
	text->number = fill->number++;
	if (bpf_ringbuf_output(&events, text, size, 0))
		fill->lost++;
	return 0;
}

/* Writes records, each of which begins with its number. */
SEC("syscall")
int fill_ring(struct fill *ctx)
{
	struct fill fill = *ctx;

	long loops = bpf_loop(fill.count, write_one, &fill, 0);

	*ctx = fill;
	return loops == fill.count ? 0 : -1;
}

/* Writes a record and takes it back, then one that stays. */
SEC("syscall")
int discard_one(void *ctx)
{
	__u64 *gone = bpf_ringbuf_reserve(&events, sizeof(*gone), 0), *kept;

	if (gone) {
		*gone = 1;
		bpf_ringbuf_discard(gone, 0);
	}
	kept = bpf_ringbuf_reserve(&events, sizeof(*kept), 0);
	if (kept) {
		*kept = 2;
		bpf_ringbuf_submit(kept, 0);
	}
	return 0;
}

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct task_struct {
	int tgid;
} __attribute__((preserve_access_index));

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* Writes the tgid of every task. */
SEC("iter/task")
int list_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	int tgid;

	if (!task)
		return 0;
	tgid = task->tgid;
	bpf_seq_write(ctx->meta->seq, &tgid, sizeof(tgid));
	return 0;
}

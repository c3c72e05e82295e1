/* SPDX-License-Identifier: GPL-2.0-only */
/* What the probe loads: maps of every kind and size that the bindings treat differently, and programs to attach. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define MAP(name, kind, key_type, value_type, entries) \
	struct {                                       \
		__uint(type, kind);                    \
		__uint(max_entries, entries);          \
		__type(key, key_type);                 \
		__type(value, value_type);             \
	} name SEC(".maps")

struct b3 {
	__u8 byte[3];
};
struct b5 {
	__u8 byte[5];
};
struct b7 {
	__u8 byte[7];
};
struct b12 {
	__u32 word[3];
};
struct b16 {
	__u64 word[2];
};
struct large {
	__u8 byte[5000];
};
struct big {
	__u64 a;
	__u32 b;
	char c[20];
};

MAP(h11, BPF_MAP_TYPE_HASH, __u8, __u8, 8);
MAP(h22, BPF_MAP_TYPE_HASH, __u16, __u16, 8);
MAP(h33, BPF_MAP_TYPE_HASH, struct b3, struct b3, 8);
MAP(h44, BPF_MAP_TYPE_HASH, __u32, __u32, 8);
MAP(h55, BPF_MAP_TYPE_HASH, struct b5, struct b5, 8);
MAP(h77, BPF_MAP_TYPE_HASH, struct b7, struct b7, 8);
MAP(h88, BPF_MAP_TYPE_HASH, __u64, __u64, 8);
MAP(h12, BPF_MAP_TYPE_HASH, struct b12, struct b12, 8);
MAP(h16, BPF_MAP_TYPE_HASH, struct b16, struct b16, 8);
MAP(hbig, BPF_MAP_TYPE_HASH, struct big, struct big, 8);
MAP(hlarge, BPF_MAP_TYPE_HASH, __u32, struct large, 2);
MAP(h48, BPF_MAP_TYPE_HASH, __u32, __u64, 8);
MAP(hs4, BPF_MAP_TYPE_HASH, __s32, __s32, 8);
MAP(a48, BPF_MAP_TYPE_ARRAY, __u32, __u64, 4);
MAP(a4b, BPF_MAP_TYPE_ARRAY, __u32, struct big, 2);
MAP(pc44, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, __u32, 4);
MAP(pc48, BPF_MAP_TYPE_PERCPU_HASH, __u32, __u64, 4);
MAP(lru, BPF_MAP_TYPE_LRU_HASH, __u32, __u64, 4);

struct prefix {
	__u32 bits;
	__u32 address;
};

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 4);
	__type(key, struct prefix);
	__type(value, __u32);
} lpm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} pea SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, 4);
	__uint(value_size, 4);
} texts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} rb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 4);
	__type(value, __u64);
} q SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, 4);
	__type(value, __u32);
} st SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} progs SEC(".maps");

struct inner {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct inner);
} outer SEC(".maps");

/* Processes whose system calls count. */
MAP(only, BPF_MAP_TYPE_HASH, __u32, __u32, 8);

static int is_ours(void)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;

	return bpf_map_lookup_elem(&only, &pid) != 0;
}

const volatile __u32 constant = 7;
__u64 variable = 8;
__u64 counter;

struct ev {
	__u32 pid;
	__u64 ts;
	char comm[16];
};

SEC("tracepoint/syscalls/sys_enter_getpgid")
int tp(void *ctx)
{
	struct ev e = {};

	if (!is_ours())
		return 0;
	e.pid = bpf_get_current_pid_tgid() >> 32;
	e.ts = constant + variable;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	bpf_perf_event_output(ctx, &pea, BPF_F_CURRENT_CPU, &e, sizeof(e));
	counter++;
	return 0;
}

SEC("tp/syscalls/sys_enter_getsid")
int tp_text(void *ctx)
{
	char text[] = "hello";

	if (!is_ours())
		return 0;
	bpf_perf_event_output(ctx, &texts, BPF_F_CURRENT_CPU, text, sizeof(text));
	return 0;
}

SEC("raw_tp/sys_enter")
int raw(void *ctx)
{
	return 0;
}

SEC("socket")
int sf(void *ctx)
{
	return 0;
}

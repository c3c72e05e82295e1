/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs that every verifier refuses, and one that no kernel can attach. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

SEC("syscall")
int null_dereference(void *ctx)
{
	__u32 zero = 0;
	__u64 *number = bpf_map_lookup_elem(&numbers, &zero);

	return *number;
}

/* Half a million instructions, each of which is in the log, and then one that is refused. */
SEC("syscall")
int too_long(void *ctx)
{
	asm volatile("r1 = 0\n"
		     ".rept 500000\n"
		     "r1 += 1\n"
		     ".endr\n"
		     "r0 = *(u64 *)(r9 + 0)\n" ::: "r0", "r1");
	return 0;
}

SEC("raw_tp/no_such_tracepoint")
int nowhere(void *ctx)
{
	return 0;
}

SEC("raw_tp/sys_enter")
int somewhere(void *ctx)
{
	return 0;
}

SEC("syscall")
int works(void *ctx)
{
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* A map that no kernel makes. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4097);
} rb SEC(".maps");

SEC("socket")
int fine(void *ctx)
{
	return 0;
}

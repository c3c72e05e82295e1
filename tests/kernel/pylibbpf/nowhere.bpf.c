/* SPDX-License-Identifier: GPL-2.0-only */
/* A program whose tracepoint does not exist, and one whose section means nothing. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp/syscalls/sys_enter_nothing")
int nowhere(void *ctx)
{
	return 0;
}

SEC("raw_tp/no_such_tracepoint")
int nothing(void *ctx)
{
	return 0;
}

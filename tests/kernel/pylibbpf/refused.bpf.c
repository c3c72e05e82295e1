/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that the verifier refuses. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("socket")
int bad(void *ctx)
{
	return *(volatile int *)0;
}

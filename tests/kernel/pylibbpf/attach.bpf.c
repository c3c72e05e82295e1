/* SPDX-License-Identifier: GPL-2.0-only */
/* Programs all of which can be attached, so that attach_all succeeds. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

/* Processes whose system calls count. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, __u32);
	__type(value, __u32);
} only SEC(".maps");

static int count(void)
{
	__u32 zero = 0, pid = bpf_get_current_pid_tgid() >> 32;
	__u64 *value = bpf_map_lookup_elem(&counts, &zero);

	if (value && bpf_map_lookup_elem(&only, &pid))
		__sync_fetch_and_add(value, 1);
	return 0;
}

SEC("tp/syscalls/sys_enter_getpgid")
int first(void *ctx)
{
	return count();
}

SEC("tp/syscalls/sys_enter_getsid")
int second(void *ctx)
{
	return count();
}

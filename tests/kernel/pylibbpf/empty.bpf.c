/* SPDX-License-Identifier: GPL-2.0-only */
/* Neither programs nor maps. */
char LICENSE[] __attribute__((section("license"), used)) = "GPL";

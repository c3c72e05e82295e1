/* SPDX-License-Identifier: GPL-2.0-only */
/* Copies what a BPF ring buffer holds into the caller's buffer, many records by one call. */
#ifndef KRSI_DRAIN_H
#define KRSI_DRAIN_H

#include <stddef.h>
#include <stdint.h>

struct krsi_drain;

/*
 * Open a ring buffer map. map_fd stays the caller's and must stay open until krsi_drain_close.
 * NULL and errno on failure.
 */
struct krsi_drain *krsi_drain_open(int map_fd);

void krsi_drain_close(struct krsi_drain *drain);

/* A descriptor to be polled for reading; it belongs to the drain. */
int krsi_drain_fd(const struct krsi_drain *drain);

/*
 * Copy pending records into buffer until those copied take limit bytes or more, or none is left. room, the buffer's
 * size, must be limit and a record as long as the ring. Each record is written as the ring has it: its length in
 * bytes (u32), zero (u32), its bytes, zeros up to a multiple of 8.
 * Returns the bytes written and sets *count to the number of records; -errno if libbpf fails, -ENOSPC if room was too
 * little for a record, which is lost.
 */
int64_t krsi_drain_run(struct krsi_drain *drain, unsigned char *buffer, size_t room, size_t limit, uint32_t *count);

#endif

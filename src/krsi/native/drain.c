/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "drain.h"

#define RECORD_ALIGN 8

/* libbpf hands a negative answer on to who called it: any that is no errno will do to say "enough for now". */
#define ENOUGH (-100000)

struct krsi_drain {
	struct ring_buffer *ring;
	unsigned char *buffer;
	size_t room, limit, used;
	uint32_t count;
};

/*
 * libbpf has taken a record out of the ring whatever this answers, so a batch is ended after its last record is
 * copied. (Since libbpf 1.5 ring_buffer__consume_n would end it by number; 1.1 has it not.)
 */
static int copy_record(void *ctx, void *data, size_t size)
{
	struct krsi_drain *drain = ctx;
	size_t padded = (size + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
	uint32_t head[2] = { (uint32_t)size, 0 };
	unsigned char *to = drain->buffer + drain->used;

	if (padded < size || drain->room - drain->used < sizeof(head) ||
	    drain->room - drain->used - sizeof(head) < padded)
		return -ENOSPC;
	memcpy(to, head, sizeof(head));
	memcpy(to + sizeof(head), data, size);
	memset(to + sizeof(head) + size, 0, padded - size);
	drain->used += sizeof(head) + padded;
	drain->count++;
	return drain->used < drain->limit ? 0 : ENOUGH;
}

struct krsi_drain *krsi_drain_open(int map_fd)
{
	struct krsi_drain *drain = calloc(1, sizeof(*drain));

	if (!drain)
		return NULL;
	drain->ring = ring_buffer__new(map_fd, copy_record, drain, NULL);
	if (!drain->ring) {
		int error = errno;

		free(drain);
		errno = error;
		return NULL;
	}
	return drain;
}

void krsi_drain_close(struct krsi_drain *drain)
{
	if (!drain)
		return;
	ring_buffer__free(drain->ring);
	free(drain);
}

int krsi_drain_fd(const struct krsi_drain *drain)
{
	return ring_buffer__epoll_fd(drain->ring);
}

int64_t krsi_drain_run(struct krsi_drain *drain, unsigned char *buffer, size_t room, size_t limit, uint32_t *count)
{
	int result;

	drain->buffer = buffer;
	drain->room = room;
	drain->limit = limit;
	drain->used = 0;
	drain->count = 0;
	result = ring_buffer__consume(drain->ring);
	*count = drain->count;
	return result < 0 && result != ENOUGH ? result : (int64_t)drain->used;
}

#include "ring_peek.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../collector/program.h"

static int check(const char *path, const struct ring_header *header, uint64_t file_bytes,
		 struct err *err)
{
	const uint64_t capacity = header->capacity;
	if (memcmp(header->magic, RING_MAGIC, sizeof header->magic) != 0)
		return err_set(err, "%s is not a ring: its first bytes are not " RING_MAGIC,
			       path);
	if (header->version != STREAM_VERSION)
		return err_set(err, "%s: version %u of the ring is unknown here, %d is known",
			       path, header->version, STREAM_VERSION);
	if (capacity < RING_MIN_SLOTS || capacity > RING_MAX_SLOTS || capacity & (capacity - 1))
		return err_set(
			err, "%s: its header claims %llu slots, not a power of two in %d-%d",
			path, (unsigned long long)capacity, RING_MIN_SLOTS, RING_MAX_SLOTS);
	if (header->slots_offset < RING_HEADER_BYTES || header->slots_offset > file_bytes ||
	    (file_bytes - header->slots_offset) / STREAM_RECORD_BYTES < capacity)
		return err_set(err, "%s: its slots at offset %llu don't fit in %llu bytes",
			       path, (unsigned long long)header->slots_offset,
			       (unsigned long long)file_bytes);
	return 0;
}

int ring_peek_header(const char *path, const void *page, uint64_t file_bytes,
		     struct ring_peek *ret_peek, struct err *err)
{
	_Alignas(128) unsigned char copy[RING_HEADER_BYTES];
	memcpy(copy, page, sizeof copy);
	struct ring_header *header = (struct ring_header *)copy;
	if (check(path, header, file_bytes, err))
		return -1;
	/* A copy has no other side: relaxed loads of it are plain ones. */
	*ret_peek = (struct ring_peek){
		.pid = header->pid,
		.process_start = header->process_start,
		.start_real_ns = header->start_real_ns,
		.capacity = header->capacity,
		.slots_offset = header->slots_offset,
		.cancel_offset = header->cancel_offset,
		.cancel_slots = header->cancel_slots,
		.temp_offset = header->temp_offset,
		.temp_slots = header->temp_slots,
		.head = atomic_load_explicit(&header->head, memory_order_relaxed),
		.tail = atomic_load_explicit(&header->tail, memory_order_relaxed),
		.heartbeat = atomic_load_explicit(&header->heartbeat, memory_order_relaxed),
		.program_state = atomic_load_explicit(&header->program_state,
						      memory_order_relaxed),
		.collector_state = atomic_load_explicit(&header->collector_state,
							memory_order_relaxed),
		.collector_pid = atomic_load_explicit(&header->collector_pid,
						      memory_order_relaxed),
	};
	return 0;
}

int ring_peek_file(const char *path, struct ring_peek *ret_peek, struct err *err)
{
	unsigned char page[RING_HEADER_BYTES];
	struct stat status;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	const ssize_t len = pread(fd, page, sizeof page, 0);
	const int failed = len < 0 || fstat(fd, &status);
	const int cause = errno;
	close(fd);
	if (failed)
		return err_set(err, "%s: %s", path, strerror(cause));
	if (len < (ssize_t)sizeof page)
		return err_set(err, "%s: its header ends after %zd of %d bytes", path, len,
			       RING_HEADER_BYTES);
	return ring_peek_header(path, page, (uint64_t)status.st_size, ret_peek, err);
}

bool ring_peek_process_is_alive(const struct ring_peek *peek)
{
	struct program program;
	program_init(&program, peek->pid, peek->process_start);
	const bool lasts = peek->process_start && program_lasts(&program);
	program_release(&program);
	return lasts;
}

bool ring_peek_pid_is_here(const struct ring_peek *peek)
{
	char path[64], name[32] = "";
	snprintf(path, sizeof path, "/proc/%u/comm", peek->collector_pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	const ssize_t len = read(fd, name, sizeof name - 1);
	close(fd);
	/* The kernel keeps 15 characters of a name. */
	return len > 0 && strncmp(name, "memtrace-collector", 15) == 0;
}

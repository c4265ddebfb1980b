#include "live_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../collector/mem.h"
#include "../collector/program.h"
#include "ring_peek.h"

static const char suffix[] = ".ring";
enum { SUFFIX_LEN = sizeof suffix - 1 };

uint32_t live_ring_pid(const char *text)
{
	char *end;
	const unsigned long value = strtoul(text, &end, 10);
	return text[0] >= '1' && text[0] <= '9' && !*end && value <= INT_MAX ? (uint32_t)value
									     : 0;
}

void live_ring_release(struct live_ring *ring)
{
	if (ring->header)
		munmap(ring->header, RING_HEADER_BYTES);
	if (ring->fd >= 0)
		close(ring->fd);
	free(ring->out);
	*ring = (struct live_ring){.fd = -1};
}

/* A path that ends in ".ring", whose header was looked at. */
static int map_header(const char *path, struct live_ring *ret_ring, struct err *err)
{
	struct live_ring ring = {.fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
	if (ring.fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	void *map = mmap(NULL, RING_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
			 0);
	if (map == MAP_FAILED) {
		close(ring.fd);
		return err_set(err, "%s: %s", path, strerror(errno));
	}
	ring.header = map;
	ring.out = mem_text(path);
	ring.out[strlen(path) - SUFFIX_LEN] = '\0';
	*ret_ring = ring;
	return 0;
}

/*
 * Here the path may be no file or another's, where the process is in a container: then it is
 * looked up as the process sees it.
 */
static int open_mapped(uint32_t pid, const char *mapped, struct live_ring *ret_ring)
{
	char path[PATH_MAX + 64];
	struct ring_peek peek;
	const uint64_t start = program_start_time(pid);
	snprintf(path, sizeof path, "%s", mapped);
	if (ring_peek_file(path, &peek, NULL) || peek.process_start != start)
		snprintf(path, sizeof path, "/proc/%u/root%s", pid, mapped);
	if (ring_peek_file(path, &peek, NULL) || peek.process_start != start)
		return -1;
	return map_header(path, ret_ring, NULL);
}

int live_ring_of_process(uint32_t pid, struct live_ring *ret_ring, struct err *err)
{
	char path[64], line[PATH_MAX + 256];
	int result = -1;
	snprintf(path, sizeof path, "/proc/%u/maps", pid);
	FILE *maps = fopen(path, "re");
	if (!maps)
		return errno == ENOENT ? err_set(err, "there is no process %u", pid)
				       : err_set(err, "%s: %s", path, strerror(errno));
	while (result && fgets(line, sizeof line, maps)) {
		line[strcspn(line, "\n")] = '\0';
		const char *mapped = strchr(line, '/');
		const size_t len = mapped ? strlen(mapped) : 0;
		if (len > SUFFIX_LEN && strcmp(mapped + len - SUFFIX_LEN, suffix) == 0)
			result = open_mapped(pid, mapped, ret_ring);
	}
	const int failed = ferror(maps);
	fclose(maps);
	if (result && failed)
		return err_set(err, "%s: can't be read; is the process yours?", path);
	if (result)
		return err_set(err, "process %u isn't traced: it maps no ring of its own", pid);
	return 0;
}

int live_ring_of_run(const char *out, struct live_ring *ret_ring, struct err *err)
{
	char path[PATH_MAX];
	struct ring_peek peek;
	if (snprintf(path, sizeof path, "%s%s", out, suffix) >= (int)sizeof path)
		return err_set(err, "%s: too long a name", out);
	if (ring_peek_file(path, &peek, err))
		return -1;
	return map_header(path, ret_ring, err);
}

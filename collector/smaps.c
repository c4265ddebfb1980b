#include "smaps.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static enum area_kind kind_of(const char *path)
{
	static const char *const shared[] = {"/dev/zero", "/memfd:", "/SYSV", "/dev/shm/",
					     "[anon_shmem"};

	for (size_t i = 0; i < sizeof(shared) / sizeof(*shared); i++)
		if (begins(path, shared[i]))
			return AREA_SHARED;
	if (!*path || begins(path, "[anon"))
		return AREA_ANONYMOUS;
	if (begins(path, "[heap]"))
		return AREA_BRK;
	if (begins(path, "[stack"))
		return AREA_STACK;
	return *path == '[' ? AREA_KERNEL : AREA_FILE;
}

/* A path may have gone since: the kernel says so behind it. */
static bool is_tracers(const char *path, const char *ring_path)
{
	const char *slash = strrchr(path, '/');

	return (ring_path && *ring_path && begins(path, ring_path)) ||
	       (slash && begins(slash, "/libmemtrace.so"));
}

/* "ADDRESS-END PERMISSIONS OFFSET DEVICE INODE   PATH" */
static bool read_head(const char *line, const char *ring_path, struct area *ret_area)
{
	unsigned long long address, end;
	char permissions[5], path[4096] = "";

	if (sscanf(line, "%llx-%llx %4s %*s %*s %*s %4095[^\n]", &address, &end, permissions,
		   path) < 3 ||
	    end <= address)
		return false;
	*ret_area = (struct area){
		.address = address,
		.end = end,
		.kind = kind_of(path),
		.closed = begins(permissions, "---"),
		.tracer = is_tracers(path, ring_path),
	};
	return true;
}

static void read_figure(const char *line, const char *key, uint64_t *ret_bytes)
{
	if (begins(line, key))
		*ret_bytes = strtoull(line + strlen(key), NULL, 10) * 1024;
}

void smaps_parse(FILE *file, const char *ring_path, struct smaps *ret_smaps)
{
	struct smaps smaps = {0};
	struct area *last = NULL, area;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, file) > 0) {
		/* Keys begin with a capital letter, addresses are written with small ones. */
		if (*line >= 'A' && *line <= 'Z') {
			if (last) {
				read_figure(line, "Rss:", &last->resident_bytes);
				read_figure(line, "Swap:", &last->swap_bytes);
				read_figure(line, "Pss:", &last->pss_bytes);
			}
			continue;
		}
		last = NULL;
		if (!read_head(line, ring_path, &area) ||
		    (smaps.count && smaps.items[smaps.count - 1].end > area.address))
			continue;
		smaps.items = mem_grow(smaps.items, &smaps.capacity, smaps.count + 1,
				       sizeof(*smaps.items));
		last = &smaps.items[smaps.count++];
		*last = area;
	}
	free(line);
	*ret_smaps = smaps;
}

bool smaps_read(pid_t pid, const char *ring_path, struct smaps *ret_smaps)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/smaps", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	smaps_parse(file, ring_path, ret_smaps);
	fclose(file);
	if (ret_smaps->count)
		return true;
	smaps_release(ret_smaps);
	return false;
}

void smaps_release(struct smaps *smaps)
{
	free(smaps->items);
	*smaps = (struct smaps){0};
}

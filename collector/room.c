#include "room.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* More than any machine has: version 1 writes "no limit" as a large number. */
static const uint64_t NO_LIMIT = 1ULL << 60;

struct names {
	const char *mount; /* in the folder of all cgroups */
	const char *used, *limit, *cache;
};

static const struct names version_1 = {"/memory", "memory.usage_in_bytes",
				       "memory.limit_in_bytes", "total_inactive_file"};
static const struct names version_2[] = {
	{"", "memory.current", "memory.max", "inactive_file"},
	{"/unified", "memory.current", "memory.max", "inactive_file"},
};

static FILE *open_in(const char *folder, const char *name)
{
	char path[PATH_MAX];
	const int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

	return len > 0 && (size_t)len < sizeof(path) ? fopen(path, "re") : NULL;
}

/* A file that holds a number; 0: it isn't there, or holds something else, such as "max". */
static uint64_t number_in(const char *folder, const char *name)
{
	unsigned long long number = 0;
	FILE *file = open_in(folder, name);

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &number) != 1 || number >= NO_LIMIT)
		number = 0;
	fclose(file);
	return number;
}

/* "KEY NUMBER" or "KEY: NUMBER kB" in one of the first lines. */
static uint64_t figure_in(FILE *file, const char *key)
{
	enum { LINES_MOST = 200 };
	char line[256], name[64];
	unsigned long long number;

	for (int i = 0; i < LINES_MOST && fgets(line, sizeof(line), file); i++)
		if (sscanf(line, "%63[^: ]%*[: ]%llu", name, &number) == 2 &&
		    strcmp(name, key) == 0)
			return number;
	return 0;
}

static uint64_t cache_in(const char *folder, const struct names *names)
{
	FILE *file = open_in(folder, "memory.stat");
	const uint64_t bytes = file ? figure_in(file, names->cache) : 0;

	if (file)
		fclose(file);
	return bytes;
}

static uint64_t left(const struct room *room)
{
	const uint64_t used = room->cgroup_bytes > room->cgroup_cache_bytes
				      ? room->cgroup_bytes - room->cgroup_cache_bytes
				      : 0;

	return room->cgroup_limit_bytes > used ? room->cgroup_limit_bytes - used : 0;
}

static void look_at(const char *folder, const struct names *names, struct room *room)
{
	struct room here = {
		.cgroup_bytes = number_in(folder, names->used),
		.cgroup_limit_bytes = number_in(folder, names->limit),
	};

	if (!here.cgroup_bytes)
		return;
	here.cgroup_cache_bytes = cache_in(folder, names);
	if (room->cgroup_bytes && (!here.cgroup_limit_bytes ||
				   (room->cgroup_limit_bytes && left(&here) >= left(room))))
		return;
	room->cgroup_bytes = here.cgroup_bytes;
	room->cgroup_cache_bytes = here.cgroup_cache_bytes;
	room->cgroup_limit_bytes = here.cgroup_limit_bytes;
}

/* From the process's own cgroup up to where they are mounted. */
static void climb(const char *folder, const struct names *names, const char *cgroup,
		  struct room *room)
{
	char path[PATH_MAX];
	const size_t top = strlen(folder) + strlen(names->mount);

	if (strstr(cgroup, "..") || snprintf(path, sizeof(path), "%s%s%s", folder, names->mount,
					     cgroup) >= (int)sizeof(path))
		return;
	for (;;) {
		char *slash = strrchr(path + top, '/');

		look_at(path, names, room);
		if (!slash)
			break;
		*slash = '\0';
	}
}

/* "NUMBER:CONTROLLERS:PATH"; version 2 has the number 0 and no controllers. */
static void read_membership(char *line, const char *folder, struct room *room)
{
	char *controllers = strchr(line, ':');
	char *cgroup = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!cgroup)
		return;
	*cgroup++ = '\0';
	controllers++;
	if (!*controllers)
		for (size_t i = 0; i < sizeof(version_2) / sizeof(*version_2); i++)
			climb(folder, &version_2[i], cgroup, room);
	else if (strcmp(controllers, "memory") == 0)
		climb(folder, &version_1, cgroup, room);
}

struct room room_read(FILE *membership, FILE *meminfo, const char *folder)
{
	enum { LINES_MOST = 100 };
	struct room room = {0};
	char line[PATH_MAX];

	for (int i = 0; membership && i < LINES_MOST && fgets(line, sizeof(line), membership);
	     i++) {
		line[strcspn(line, "\n")] = '\0';
		read_membership(line, folder, &room);
	}
	if (!meminfo)
		return room;
	room.machine_bytes = figure_in(meminfo, "MemTotal") * 1024;
	rewind(meminfo);
	room.machine_available_bytes = figure_in(meminfo, "MemAvailable") * 1024;
	return room;
}

struct room room_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	FILE *membership = fopen(path, "re"), *meminfo = fopen("/proc/meminfo", "re");
	const struct room room = room_read(membership, meminfo, "/sys/fs/cgroup");

	if (membership)
		fclose(membership);
	if (meminfo)
		fclose(meminfo);
	return room;
}

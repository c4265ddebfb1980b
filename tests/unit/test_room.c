/*
 * How much more memory a process may take: folders that are laid out as the kernel's, with
 * limits at several heights, and files that hold what no kernel writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../collector/room.h"

enum { MIB = 1 << 20 };

static char folder[] = "/tmp/memtrace-room-XXXXXX";

/* Makes the folders on the way. */
static void put(const char *name, const char *text)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void put_cgroup(const char *name, const char *used, const char *limit, const char *stat)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/memory.current", name);
	put(path, used);
	snprintf(path, sizeof(path), "%s/memory.max", name);
	put(path, limit);
	snprintf(path, sizeof(path), "%s/memory.stat", name);
	put(path, stat);
}

static int make_folder(void **state)
{
	(void)state;
	memcpy(folder + sizeof(folder) - 7, "XXXXXX", 6);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct room read_room(const char *membership, const char *meminfo)
{
	FILE *member = fmemopen((char *)(uintptr_t)membership, strlen(membership), "r");
	FILE *memory = fmemopen((char *)(uintptr_t)meminfo, strlen(meminfo), "r");
	const struct room room = room_read(member, memory, folder);

	fclose(member);
	fclose(memory);
	return room;
}

static void test_least_left_counts(void **state)
{
	(void)state;
	/* 60 MiB are left in the innermost, 30 and what goes first in the one above. */
	put_cgroup("a/b/c", "41943040\n", "104857600\n", "anon 1\ninactive_file 0\n");
	put_cgroup("a/b", "99614720\n", "125829120\n", "anon 1\ninactive_file 5242880\n");
	put_cgroup("a", "99614720\n", "max\n", "inactive_file 7\n");
	const struct room room = read_room("0::/a/b/c\n", "MemTotal:  2048 kB\nMemFree: 1 kB\n"
							  "MemAvailable:    1024 kB\n");
	assert_int_equal(room.cgroup_limit_bytes, 120 * MIB);
	assert_int_equal(room.cgroup_bytes, 95 * MIB);
	assert_int_equal(room.cgroup_cache_bytes, 5 * MIB);
	assert_int_equal(room.machine_bytes, 2 * MIB);
	assert_int_equal(room.machine_available_bytes, MIB);
}

static void test_no_limit(void **state)
{
	(void)state;
	put_cgroup("a/b", "1048576\n", "max\n", "inactive_file 4096\n");
	put_cgroup("a", "2097152\n", "max\n", "inactive_file 7\n");
	const struct room room = read_room("0::/a/b\n", "none of it\n");
	assert_int_equal(room.cgroup_limit_bytes, 0);
	assert_int_equal(room.cgroup_bytes, MIB);
	assert_int_equal(room.cgroup_cache_bytes, 4096);
	assert_int_equal(room.machine_bytes, 0);
}

/* Whose path is the host's, while only its own part of the tree is there. */
static void test_version_1_in_a_container(void **state)
{
	(void)state;
	put("memory/memory.usage_in_bytes", "3145728\n");
	put("memory/memory.limit_in_bytes", "4194304\n");
	put("memory/memory.stat", "inactive_file 1\ntotal_inactive_file 8192\n");
	const struct room room =
		read_room("5:cpu,cpuacct:/\n4:memory:/docker/0123456789\n0::/\n", "\n");
	assert_int_equal(room.cgroup_limit_bytes, 4 * MIB);
	assert_int_equal(room.cgroup_bytes, 3 * MIB);
	assert_int_equal(room.cgroup_cache_bytes, 8192);
	put("memory/memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(read_room("4:memory:/\n", "\n").cgroup_limit_bytes, 0);
}

static void test_what_no_kernel_writes(void **state)
{
	static const struct room nothing;
	char longer[8192];

	(void)state;
	put_cgroup("a", "abc\n", "-\n", "inactive_file\n");
	memset(longer, '/', sizeof(longer) - 1);
	memcpy(longer, "0::", 3);
	longer[sizeof(longer) - 1] = '\0';
	const char *const lines[] = {"0::/a\n", "::::\n", "0:\n", "0::/../a\n", "\n", longer};
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const struct room room = read_room(lines[i], "MemTotal: much\n");
		assert_memory_equal(&room, &nothing, sizeof(room));
	}
	const struct room room = room_read(NULL, NULL, folder);
	assert_memory_equal(&room, &nothing, sizeof(room));
}

static void test_this_process(void **state)
{
	const struct room room = room_of(getpid());

	(void)state;
	assert_int_equal(room.machine_bytes,
			 (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
	assert_in_range(room.machine_available_bytes, 1, room.machine_bytes);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_FOLDER(test_least_left_counts),
		IN_A_FOLDER(test_no_limit),
		IN_A_FOLDER(test_version_1_in_a_container),
		IN_A_FOLDER(test_what_no_kernel_writes),
		cmocka_unit_test(test_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

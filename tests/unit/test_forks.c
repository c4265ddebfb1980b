/* The names beside OUT that tell of its children, among names that don't. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../collector/forks.h"

struct folder {
	char path[64], out[96], child[96];
};

static int setup(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/test_forks.XXXXXX");
	assert_non_null(mkdtemp(f->path));
	snprintf(f->out, sizeof(f->out), "%s/run.memtrace", f->path);
	snprintf(f->child, sizeof(f->child), "%s/run-2.memtrace", f->path);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct folder *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -r '%s'", f->path);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

static void make_file(const struct folder *f, const char *name, const void *bytes, size_t len)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
}

static void make_ring(const struct folder *f, const char *name,
		      const struct ring_header *header)
{
	size_t bytes = RING_HEADER_BYTES + RING_MIN_SLOTS * sizeof(struct record);
	char *file = calloc(1, bytes);

	memcpy(file, header, sizeof(*header));
	make_file(f, name, file, bytes);
	free(file);
}

static struct ring_header header_of(uint64_t run_id, uint64_t parent_run_id, uint64_t fork_id)
{
	return (struct ring_header){
		.magic = RING_MAGIC,
		.version = STREAM_VERSION,
		.header_bytes = sizeof(struct ring_header),
		.file_bytes = RING_HEADER_BYTES + RING_MIN_SLOTS * sizeof(struct record),
		.capacity = RING_MIN_SLOTS,
		.slots_offset = RING_HEADER_BYTES,
		.pid = 1234,
		.run_id = run_id,
		.parent_run_id = parent_run_id,
		.fork_id = fork_id,
	};
}

static int sum_up(void *user, uint64_t fork_id)
{
	uint64_t *sum = user;

	*sum += fork_id;
	return fork_id == 1000 ? -1 : 0;
}

static void other_names_are_not_forks(void **state)
{
	static const char *const names[] = {
		"run.memtrace",         "run.memtrace.fork.",   "run.memtrace.fork.x",
		"run.memtrace.fork.-7", "run.memtrace.fork.0",  "run.memtrace.fork.7.journal",
		"run.memtrace.fork.7x", "run.memtrace.forks.7", "run-2.memtrace.fork.7",
		"memtrace.fork.7",
	};
	struct folder *f = *state;
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		make_file(f, names[i], "", 0);
	assert_int_equal(forks_each(f->out, sum_up, &sum), 0);
	assert_int_equal(sum, 0);
	make_file(f, "run.memtrace.fork.3", "", 0);
	make_file(f, "run.memtrace.fork.40.journal.1", "", 0);
	assert_int_equal(forks_each(f->out, sum_up, &sum), 0);
	assert_int_equal(sum, 43);
	make_file(f, "run.memtrace.fork.1000", "", 0);
	assert_int_equal(forks_each(f->out, sum_up, &sum), -1);
	assert_int_equal(forks_each("/no/such/folder/run.memtrace", sum_up, &sum), 0);
}

static void a_ring_waits_for_its_own_parent(void **state)
{
	struct folder *f = *state;
	struct ring_header child = header_of(5, 77, 3), other = header_of(6, 78, 4);

	make_ring(f, "run.memtrace.fork.3", &child);
	make_ring(f, "run.memtrace.fork.4", &other);
	assert_true(forks_waits(f->out, 77, 3));
	assert_false(forks_waits(f->out, 77, 4));
	assert_false(forks_waits(f->out, 78, 3));
	assert_false(forks_waits(f->out, 77, 5));
	/* A ring of another number under this name is nobody's. */
	make_ring(f, "run.memtrace.fork.9", &child);
	assert_false(forks_waits(f->out, 77, 9));
}

static void a_parent_is_found_by_content(void **state)
{
	__attribute__((cleanup(buf_release))) struct buf parent = {0};
	struct folder *f = *state;
	struct ring_header child = header_of(5, 77, 3), stranger = header_of(6, 77, 3);
	struct ring_header root = header_of(5, 0, 0);

	make_ring(f, "run-2.memtrace.ring", &child);
	make_ring(f, "old.memtrace.fork.3", &stranger);
	assert_false(forks_find_parent(&child, f->child, &parent));
	assert_int_equal(parent.len, 0);
	make_ring(f, "run.memtrace.fork.3", &child);
	assert_true(forks_find_parent(&child, f->child, &parent));
	assert_string_equal((const char *)parent.data, f->out);
	make_ring(f, "run.memtrace.fork.0", &root);
	assert_false(forks_find_parent(&root, f->child, &parent));
}

static bool there(const struct folder *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	return access(path, F_OK) == 0;
}

/* This process maps the ring: as a child would that has none of its own yet. */
static void only_what_nobody_waits_for_is_swept(void **state)
{
	struct folder *f = *state;
	struct ring_header parent = header_of(5, 0, 0), child = header_of(6, 5, 4);
	char path[256];
	void *map;
	int fd;

	make_file(f, "run.memtrace", "profile", 7);
	make_ring(f, "run.memtrace.ring", &parent);
	make_ring(f, "run.memtrace.fork.4", &child);
	make_file(f, "run.memtrace.fork.3.journal.1", "", 0);
	make_file(f, "run.memtrace.fork.4.journal.1", "", 0);
	make_file(f, "run.memtrace.journal.1", "", 0);
	forks_sweep(f->out);
	assert_true(there(f, "run.memtrace.fork.3.journal.1"));
	snprintf(path, sizeof(path), "%s.ring", f->out);
	fd = open(path, O_RDONLY);
	map = mmap(NULL, RING_HEADER_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(map != MAP_FAILED);
	close(fd);
	unlink(path);
	forks_sweep(f->out);
	assert_true(there(f, "run.memtrace.fork.3.journal.1"));
	munmap(map, RING_HEADER_BYTES);
	forks_sweep(f->out);
	assert_false(there(f, "run.memtrace.fork.3.journal.1"));
	assert_true(there(f, "run.memtrace.fork.4"));
	assert_true(there(f, "run.memtrace.fork.4.journal.1"));
	assert_true(there(f, "run.memtrace.journal.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(other_names_are_not_forks),
		TEST(a_ring_waits_for_its_own_parent),
		TEST(a_parent_is_found_by_content),
		TEST(only_what_nobody_waits_for_is_swept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * map.c - what a heap of a gigabyte of small blocks costs: the collector's memory, a mark, the
 * end and the profile; and what it takes to open that profile.
 *
 * The stream is made up while it is applied, so that the memory that is measured is the heap's
 * alone: pools dealt out to size classes, blocks of many stacks in them, a fifth freed again.
 *
 * map FILE keeps the profile there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../collector/ledger.h"
#include "../../collector/mem.h"
#include "../../collector/profile_read.h"

enum {
	ARENA_BYTES = 1 << 20,
	ARENAS = 1024,
	POOL_BYTES = 1 << 14,
	CLASSES = 6,
	STACKS = 5000,
	LARGE_BLOCKS = 200000,
	BATCH_RECORDS = 16 << 10,
	FREED_PERCENT = 20,
};

#define ARENAS_AT 0x7f2000000000u
#define LARGE_AT 0x555500000000u

struct bench {
	struct ledger ledger;
	struct record batch[BATCH_RECORDS];
	size_t count;
	uint64_t random, slots, records;
};

static uint32_t below(struct bench *bench, uint32_t limit)
{
	bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((bench->random >> 32) * limit >> 32);
}

static void flush(struct bench *bench)
{
	ledger_take(&bench->ledger, bench->batch, bench->count, 0, 0);
	bench->records += bench->count;
	bench->count = 0;
}

static void put(struct bench *bench, enum record_kind kind, uint64_t a, uint64_t b)
{
	/* No group is cut: none is longer than two records. */
	if (bench->count + 2 > BATCH_RECORDS && kind != R_DATA)
		flush(bench);
	bench->batch[bench->count++] = (struct record){record_head(kind, a), b};
}

/* Most blocks come from few stacks, as in programs: the square of a random number is small. */
static uint64_t any_stack(struct bench *bench)
{
	return 1 + (uint64_t)below(bench, STACKS) * below(bench, STACKS) / STACKS;
}

static void put_stacks(struct bench *bench)
{
	for (uint64_t id = 1; id <= STACKS; id++) {
		put(bench, R_NODE, id,
		    (id - 1) % 20 | (uint64_t)((id - 1) % 20 ? STREAM_CODE_TRUNCATED
							     : STREAM_CODE_THREAD)
					    << 32);
		put(bench, R_DATA, 0, 0);
	}
}

static uint32_t class_of(uint64_t pool)
{
	return 1 + (uint32_t)(pool / POOL_BYTES * 0x9e3779b1u >> 8) % CLASSES;
}

static void fill_pool(struct bench *bench, uint64_t pool)
{
	uint64_t class = class_of(pool);
	uint32_t blocks = (POOL_BYTES - POOL_HEADER_BYTES) / (uint32_t)(class * 16);

	bench->slots += blocks;
	for (uint32_t i = 0; i < blocks; i++)
		put(bench, R_SMALL_OBJECT, pool + POOL_HEADER_BYTES + i * class * 16,
		    any_stack(bench) | (class * 16 - below(bench, 15)) << 32 | class << 48);
}

static void fill(struct bench *bench)
{
	for (uint64_t arena = 0; arena < ARENAS; arena++) {
		uint64_t address = ARENAS_AT + arena * ARENA_BYTES;

		put(bench, R_TICK, arena * 100, 1 << 30);
		put(bench, R_ARENA, address, 1 | (uint64_t)ARENA_BYTES << 32);
		for (uint64_t pool = 0; pool < ARENA_BYTES; pool += POOL_BYTES)
			fill_pool(bench, address + pool);
	}
	for (uint64_t i = 0; i < LARGE_BLOCKS; i++)
		put(bench, R_ALLOC_MALLOC, LARGE_AT + i * 1024,
		    any_stack(bench) | (uint64_t)1000 << 32);
}

static void thin_out(struct bench *bench)
{
	for (uint64_t pool = ARENAS_AT; pool < ARENAS_AT + (uint64_t)ARENAS * ARENA_BYTES;
	     pool += POOL_BYTES) {
		uint64_t room = class_of(pool) * 16;

		for (uint64_t at = POOL_HEADER_BYTES; at + room <= POOL_BYTES; at += room)
			if (below(bench, 100) < FREED_PERCENT)
				put(bench, R_FREE, pool + at, 0);
	}
}

static void mark(struct bench *bench, const char *name, enum mark_origin origin)
{
	struct {
		struct stream_mark figures;
		char name[16];
	} text = {.figures = {.origin = origin}};
	struct buf records;

	flush(bench);
	memcpy(text.name, name, strlen(name));
	buf_init(&records);
	stream_put_text(&records, R_MARK, 0, &text, sizeof(text.figures) + strlen(name));
	ledger_take(&bench->ledger, (struct record *)(void *)records.data,
		    records.len / sizeof(struct record), 0, 0);
	buf_release(&records);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of processor time since the last call, and what they went to. */
static void tell(const char *what)
{
	static double last;
	double now = now_s();

	if (what)
		printf("%-44s %8.2f s\n", what, now - last);
	last = now_s();
}

static uint64_t status_bytes(const char *key)
{
	unsigned long kib = 0;
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");

	while (status && fgets(line, sizeof(line), status))
		if (!strncmp(line, key, strlen(key)))
			kib = strtoul(line + strlen(key), NULL, 10);
	if (status)
		fclose(status);
	return (uint64_t)kib << 10;
}

static void tell_bytes(const char *what, uint64_t bytes, uint64_t bound)
{
	printf("%-44s %8.1f MiB, bound %8.1f MiB%s\n", what, (double)bytes / (1 << 20),
	       (double)bound / (1 << 20), bytes > bound ? "  TOO MUCH" : "");
}

static int collect(struct bench *bench, const char *path, struct err *err)
{
	uint64_t before = status_bytes("VmRSS:"), bound;

	ledger_init(&bench->ledger);
	/* As in a collector: columns are put aside beside the profile while they are taken. */
	bench->ledger.journal_out = mem_text(path);
	tell(NULL);
	put_stacks(bench);
	fill(bench);
	flush(bench);
	tell("blocks come (made up, checked, applied)");
	mark(bench, "full", MARK_PROGRAM);
	tell("a mark after which all arenas are summed up");
	thin_out(bench);
	flush(bench);
	tell("a fifth goes");
	mark(bench, "thin", MARK_PROGRAM);
	tell("another mark");
	bound = 8 * bench->slots + 40 * (uint64_t)LARGE_BLOCKS + (48 << 20);
	tell_bytes("resident with all blocks", status_bytes("VmRSS:") - before, bound);
	mark(bench, "end", MARK_TRACER);
	tell("the end, block by block");
	if (ledger_write(&bench->ledger, path, 0, err))
		return -1;
	tell("the profile (and the books checked)");
	tell_bytes("resident at the most", status_bytes("VmHWM:") - before, bound);
	printf("%-44s %8.1f million in slots of %.1f million, %.0f million records\n", "blocks",
	       (double)bench->ledger.heap.sites.live_blocks / 1e6, (double)bench->slots / 1e6,
	       (double)bench->records / 1e6);
	ledger_release(&bench->ledger);
	return 0;
}

static int read_back(const char *path, struct err *err)
{
	struct profile *profile;

	tell(NULL);
	if (profile_open(path, &profile, err))
		return -1;
	tell("the profile is opened");
	printf("%-44s %8.1f MiB, %.2f bytes a block\n", "its size",
	       (double)profile->source.len / (1 << 20),
	       (double)profile->source.len / (double)profile->run.block_count);
	tell(NULL);
	profile_check_blocks(profile);
	tell("its columns of blocks are checked");
	if (profile_load_blocks(profile, err))
		return -1;
	tell("its blocks are read");
	profile_free(profile);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench *bench = mem_alloc(sizeof(*bench));
	char made[] = "/tmp/memtrace-bench-XXXXXX";
	struct err err = {{0}};
	const char *path = argc > 1 ? argv[1] : made;
	int fd = argc > 1 ? -1 : mkstemp(made);

	bench->random = 1;
	if (collect(bench, path, &err) || read_back(path, &err))
		printf("%s\n", err.text);
	if (argc < 2)
		unlink(path);
	if (fd >= 0)
		close(fd);
	free(bench);
	return err.text[0] != 0;
}

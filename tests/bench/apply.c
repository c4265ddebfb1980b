/*
 * apply.c - what a record costs the heap, in nanoseconds.
 *
 * Streams are made up beforehand: pools filled class by class as CPython does, then blocks
 * freed and allocated again, the newest first ("warm") or any of them ("cold": every record
 * misses the caches).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../collector/heap.h"
#include "../../collector/mem.h"

enum {
	ARENA_BYTES = 1 << 20,
	POOL_BYTES = 1 << 14,
	CLASSES = 8,
	CHURN_RECORDS = 8 << 20,
	BATCH_RECORDS = 16 << 10,
	LARGE_STEP_BYTES = 640,
};

#define ARENAS_AT 0x7f2000000000u
#define LARGE_AT 0x555500000000u

struct made_block {
	uint64_t address;
	uint32_t stack;
	uint32_t class; /* 0: none of a pool */
};

struct bench {
	struct buf stream;
	struct made_block *blocks;
	size_t count;
	uint32_t stacks;
	uint64_t random;
};

static uint32_t below(struct bench *bench, uint32_t limit)
{
	bench->random = bench->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((bench->random >> 32) * limit >> 32);
}

static void put(struct bench *bench, enum record_kind kind, uint64_t a, uint64_t b)
{
	struct record r = {record_head(kind, a), b};

	buf_append(&bench->stream, &r, sizeof(r));
}

static void put_alloc(struct bench *bench, const struct made_block *block)
{
	uint64_t class = block->class;

	if (class)
		put(bench, R_SMALL_OBJECT, block->address,
		    block->stack | (class * 16 - 8) << 32 | class << 48);
	else
		put(bench, R_ALLOC_MALLOC, block->address, block->stack | (uint64_t)600 << 32);
}

/* Most blocks come from few stacks, as in programs: the square of a random number is small. */
static uint32_t any_stack(struct bench *bench)
{
	uint64_t a = below(bench, bench->stacks), b = below(bench, bench->stacks);

	return 1 + (uint32_t)(a * b / bench->stacks);
}

static void put_stacks(struct bench *bench)
{
	for (uint32_t id = 1; id <= bench->stacks; id++) {
		put(bench, R_NODE, id, (uint64_t)STREAM_CODE_TRUNCATED << 32);
		put(bench, R_DATA, 0, 0);
	}
}

/* Pools are dealt out to the classes in turn; a class fills its pool, then takes the next. */
static void make_pooled(struct bench *bench)
{
	uint64_t next_pool = ARENAS_AT, pool[CLASSES] = {0};
	uint32_t used[CLASSES] = {0};

	for (size_t i = 0; i < bench->count; i++) {
		uint32_t class = 1 + below(bench, CLASSES), c = class - 1;
		if (!pool[c] || used[c] == (POOL_BYTES - POOL_HEADER_BYTES) / (class * 16)) {
			if (next_pool % ARENA_BYTES == 0)
				put(bench, R_ARENA, next_pool, (uint64_t)ARENA_BYTES << 32);
			pool[c] = next_pool;
			used[c] = 0;
			next_pool += POOL_BYTES;
		}
		bench->blocks[i] = (struct made_block){
			.address = pool[c] + POOL_HEADER_BYTES +
				   (uint64_t)used[c]++ * class * 16,
			.stack = any_stack(bench),
			.class = class,
		};
		put_alloc(bench, &bench->blocks[i]);
	}
}

static void make_large(struct bench *bench)
{
	for (size_t i = 0; i < bench->count; i++) {
		bench->blocks[i] = (struct made_block){
			.address = LARGE_AT + i * LARGE_STEP_BYTES,
			.stack = any_stack(bench),
		};
		put_alloc(bench, &bench->blocks[i]);
	}
}

/* Frees up to 64 of the newest or of any blocks, then allocates them again. */
static void make_churn(struct bench *bench, bool cold)
{
	enum { RUN = 64 };
	size_t window = cold ? bench->count : 20000;
	size_t start = bench->count > window ? bench->count - window : 0;

	for (size_t done = 0; done < CHURN_RECORDS; done += 2 * RUN) {
		size_t picked[RUN], count = 0;
		for (size_t i = 0; i < RUN; i++) {
			size_t at = start + below(bench, (uint32_t)(bench->count - start));
			if (bench->blocks[at].stack == 0)
				continue;
			put(bench, R_FREE, bench->blocks[at].address, 0);
			bench->blocks[at].stack = 0;
			picked[count++] = at;
		}
		for (size_t i = 0; i < count; i++) {
			bench->blocks[picked[i]].stack = any_stack(bench);
			put_alloc(bench, &bench->blocks[picked[i]]);
		}
	}
}

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/*
 * Applies the stream and forgets it; nanoseconds a record. Batches come from a buffer that
 * stays in the cache, as they do from a ring. Each of these streams can be cut anywhere but in
 * its stacks.
 */
static double apply_all(struct bench *bench, struct heap *heap)
{
	static struct record batch[BATCH_RECORDS];
	size_t count = bench->stream.len / sizeof(*batch);
	double spent = 0;

	for (size_t start = 0; start < count; start += BATCH_RECORDS) {
		size_t many = count - start < BATCH_RECORDS ? count - start : BATCH_RECORDS;
		memcpy(batch, bench->stream.data + start * sizeof(*batch),
		       many * sizeof(*batch));
		double began = now_ns();
		heap_apply(heap, batch, many);
		spent += now_ns() - began;
	}
	bench->stream.len = 0;
	return spent / (double)count;
}

static void run(const char *what, size_t blocks, uint32_t stacks, bool pooled)
{
	struct bench bench = {.count = blocks, .stacks = stacks, .random = 1};
	struct heap *heap = mem_alloc(sizeof(*heap));
	struct err err = {{0}};

	heap_init(heap);
	buf_init(&bench.stream);
	bench.blocks = mem_alloc(blocks * sizeof(*bench.blocks));
	put_stacks(&bench);
	apply_all(&bench, heap);
	pooled ? make_pooled(&bench) : make_large(&bench);
	double fill = apply_all(&bench, heap);
	make_churn(&bench, false);
	double warm = apply_all(&bench, heap);
	make_churn(&bench, true);
	double cold = apply_all(&bench, heap);

	bool right = heap_check(heap, &err) == 0 && heap->counts.unknown_frees == 0 &&
		     heap->arenas.misplaced == 0 && heap->counts.replaced == 0;
	printf("%-28s %8zu %7u %8.1f %8.1f %8.1f  %s\n", what, blocks, stacks, fill, warm, cold,
	       right         ? ""
	       : err.text[0] ? err.text
			     : "the made-up stream was wrong");
	heap_release(heap);
	buf_release(&bench.stream);
	free(bench.blocks);
	free(heap);
}

int main(void)
{
	printf("%-28s %8s %7s %8s %8s %8s\n", "ns a record", "blocks", "stacks", "fill", "warm",
	       "cold");
	run("pools, small heap", 20000, 500, true);
	run("pools, more stacks", 20000, 20000, true);
	run("pools, large heap", 5000000, 5000, true);
	run("malloc, small heap", 20000, 500, false);
	run("malloc, large heap", 2000000, 5000, false);
	return 0;
}

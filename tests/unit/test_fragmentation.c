/*
 * What arenas consist of adds up to their bytes, for random maps whose pools and blocks fit;
 * and one map whose figures were worked out on paper.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../collector/mem.h"
#include "../../reporter/fragmentation.h"
#include "xorshift.h"

enum { KIB = 1 << 10, MIB = 1 << 20, ARENAS = 20, POOLS_OF_ARENA = 64, ROUNDS = 40 };

struct made {
	struct profile profile;
	struct profile_arena arenas[ARENAS];
	struct profile_pool pools[ARENAS * POOLS_OF_ARENA];
	struct profile_mark mark;
	struct profile_arena_mark summary;
	struct profile_mark_class class;
	uint64_t seed;
};

static const struct moment last = {.kind = MOMENT_LAST};

static uint64_t pick(struct made *made, uint64_t count)
{
	return xorshift(&made->seed) % count;
}

static void add_pool(struct made *made, struct profile_arena *arena, uint64_t address,
		     uint32_t class, uint32_t blocks)
{
	made->pools[made->profile.pool_count++] = (struct profile_pool){address, class, blocks};
	arena->live_blocks += blocks;
	arena->live_bytes += blocks * (16 * class - 3);
}

static struct profile_arena *add_arena(struct made *made, uint64_t address, uint64_t bytes)
{
	struct profile_arena *arena = &made->arenas[made->profile.arena_count++];
	*arena = (struct profile_arena){.address = address, .bytes = bytes};
	made->profile.run.arena_count++;
	return arena;
}

static struct made *make(uint64_t seed, uint32_t pool_bytes)
{
	struct made *made = mem_alloc(sizeof *made);
	made->seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	made->profile.run.pool_bytes = pool_bytes;
	made->profile.arenas = made->arenas;
	made->profile.pools = made->pools;
	return made;
}

/* Aligned to pages as arenas are, and to pools by chance; not all of their pools in use. */
static void fill(struct made *made)
{
	const uint32_t pool = made->profile.run.pool_bytes;
	const uint64_t bytes = pool == 4 * KIB ? 256 * KIB : MIB;
	for (uint64_t i = 0; i < ARENAS; i++) {
		const uint64_t address = (i + 1) * 4 * MIB + pick(made, 4) * 4 * KIB;
		struct profile_arena *arena = add_arena(made, address, bytes);
		for (uint64_t at = (address + pool - 1) / pool * pool;
		     at + pool <= address + bytes; at += pool) {
			const uint32_t class = 1 + (uint32_t)pick(made, ARENAS_CLASSES);
			const uint32_t most = (pool - 48) / (16 * class);
			if (pick(made, 3))
				add_pool(made, arena, at, class,
					 1 + (uint32_t)pick(made, most));
		}
	}
}

static struct fragmentation compute(const struct made *made, const struct moment *moment)
{
	struct fragmentation sum;
	struct arenas arenas;
	arenas_at(&made->profile, moment, &arenas);
	fragmentation_compute(&made->profile, moment, &arenas, &sum);
	arenas_release(&arenas);
	return sum;
}

static void everything_adds_up(void **state)
{
	(void)state;
	for (uint64_t round = 0; round < ROUNDS; round++) {
		struct made *made = make(round, round % 2 ? 4 * KIB : 16 * KIB);
		fill(made);
		const struct fragmentation sum = compute(made, &last);
		assert_true(sum.known && sum.pools_known);
		assert_int_equal(sum.pools, made->profile.pool_count);
		assert_int_equal(sum.free_bytes, sum.available_bytes + sum.unused_pool_bytes +
							 sum.quantization_bytes +
							 sum.alignment_bytes);
		assert_int_equal(sum.bytes,
				 sum.block_bytes + sum.header_bytes + sum.free_bytes);
		assert_int_equal(sum.bytes, ARENAS * (round % 2 ? 256 * KIB : MIB));
		free(made);
	}
}

/*
 * An arena that begins 4 KiB before a pool has 63 of them. One holds 3 of 1,021 blocks of 16
 * bytes, where nothing is left over; one 10 of 31 blocks of 512, where 464 bytes are.
 */
static void figures_worked_out_on_paper(void **state)
{
	(void)state;
	struct made *made = make(1, 16 * KIB);
	struct profile_arena *arena = add_arena(made, 16 * MIB - 4 * KIB, MIB);
	add_pool(made, arena, 16 * MIB, 1, 3);
	add_pool(made, arena, 16 * MIB + 32 * KIB, 32, 10);
	add_arena(made, 32 * MIB, MIB);
	made->profile.run.domain_blocks[1] = 5;
	made->profile.run.domain_blocks[2] = 20;
	made->profile.run.domain_bytes[1] = 5000;
	made->profile.run.domain_bytes[2] = arena->live_bytes;
	const struct fragmentation sum = compute(made, &last);
	assert_int_equal(sum.blocks, 13);
	assert_int_equal(sum.block_bytes, 3 * 16 + 10 * 512);
	assert_int_equal(sum.available_blocks, 1018 + 21);
	assert_int_equal(sum.available_bytes, 1018 * 16 + 21 * 512);
	assert_int_equal(sum.unused_pools, 61 + 64);
	assert_int_equal(sum.header_bytes, 2 * 48);
	assert_int_equal(sum.quantization_bytes, 464);
	assert_int_equal(sum.alignment_bytes, 16 * KIB);
	assert_int_equal(sum.free_bytes, 2 * MIB - 96 - sum.block_bytes);
	/* Nothing is live in the other arena. */
	assert_int_equal(sum.pinned_bytes, MIB - 96 - sum.block_bytes);
	assert_int_equal(sum.large_blocks, 12);
	assert_int_equal(sum.large_bytes, 5000);
	free(made);
}

/* Where classes of a mark are missing or of another one, nothing is said of pools. */
static void marks_without_classes_tell_no_pools(void **state)
{
	(void)state;
	struct made *made = make(1, 16 * KIB);
	const struct moment mark = {.kind = MOMENT_MARK, .mark = 0};
	made->profile.marks = &made->mark;
	made->profile.mark_count = 1;
	made->mark.arena_count = 1;
	made->summary = (struct profile_arena_mark){
		.address = MIB, .bytes = MIB, .block_bytes = 64, .live_blocks = 2, .pools = 1};
	made->profile.arena_marks = &made->summary;
	made->profile.arena_mark_count = 1;
	struct fragmentation sum = compute(made, &mark);
	assert_true(sum.known);
	assert_false(sum.pools_known || sum.large_known);
	assert_int_equal(sum.free_bytes, MIB - 64 - 48);

	made->class = (struct profile_mark_class){0, 2, 1, 2};
	made->profile.mark_classes = &made->class;
	made->profile.mark_class_count = 1;
	sum = compute(made, &mark);
	assert_true(sum.pools_known);
	assert_int_equal(sum.available_blocks, 510 - 2);
	assert_int_equal(sum.unused_pools, 63);
	free(made);
}

static const char *why(const char *key, const char *value)
{
	static char info[200];
	const size_t len = strlen(key) + 1;
	memcpy(info, key, len);
	memcpy(info + len, value, strlen(value) + 1);
	const struct profile profile = {.info = info, .info_bytes = len + strlen(value) + 1};
	return fragmentation_why_none(&profile);
}

static void it_says_why_there_are_none(void **state)
{
	(void)state;
	assert_null(why("allocator", "default"));
	assert_null(why("allocator", "pymalloc_debug"));
	assert_null(why("implementation", "cpython"));
	assert_non_null(strstr(why("allocator", "malloc_debug"), "PYTHONMALLOC=malloc "));
	assert_non_null(strstr(why("allocator", "mimalloc"), "PYTHONMALLOC=mimalloc "));
	assert_non_null(why("implementation", "pypy"));
	assert_string_equal(why("pools", "none: a reason"), "a reason");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_adds_up),
		cmocka_unit_test(figures_worked_out_on_paper),
		cmocka_unit_test(marks_without_classes_tell_no_pools),
		cmocka_unit_test(it_says_why_there_are_none),
	};
	return cmocka_run_group_tests_name("fragmentation", tests, NULL, NULL);
}

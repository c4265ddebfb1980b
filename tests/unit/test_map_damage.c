/*
 * The map of profiles that no program left: whatever the reader of the file lets through has to
 * come out as text of the right width and as JSON, and its rows have to add up. Everything is
 * random, from the same seeds each time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../collector/mem.h"
#include "../../reporter/map_json.h"
#include "../../reporter/map_text.h"
#include "xorshift.h"

enum {
	ROUNDS = 150,
	ARENAS = 24,
	POOLS = 200,
	BLOCKS = 600,
	STACKS = 12,
	MOST_PINS = ARENAS * STACKS,
	WINDOWS = 3,
};

struct made {
	struct profile profile;
	char strings[4096];
	struct profile_code codes[STACKS];
	struct profile_node nodes[STACKS];
	struct profile_window windows[WINDOWS];
	struct profile_arena arenas[ARENAS];
	struct profile_pool pools[POOLS];
	struct profile_pin pins[MOST_PINS];
	struct profile_block blocks[BLOCKS];
	uint64_t seed;
};

static uint64_t pick(struct made *made, uint64_t count)
{
	return xorshift(&made->seed) % count;
}

/* Sizes of all magnitudes, ordinary ones more often. */
static uint64_t some_bytes(struct made *made)
{
	return pick(made, 2) ? 1 << 20 : 1ULL << pick(made, 40);
}

static void make_names(struct made *made)
{
	static const char *const parts[] = {"\x1b[2J", "/", "caf\xc3\xa9", "\xff\xfe", ".py",
					    "\n",      "a", "__init__.py", "\xc2\x9b", "long_"};
	size_t len = 1;
	for (uint32_t i = 0; i < STACKS; i++) {
		made->codes[i].file = (uint32_t)len;
		for (uint64_t j = pick(made, 40); j > 0; j--)
			len += (size_t)snprintf(made->strings + len, 16, "%s",
						parts[pick(made, 10)]);
		made->strings[len++] = '\0';
		made->codes[i].name = made->codes[pick(made, i + 1)].file;
		made->codes[i].first_line = (int32_t)pick(made, INT32_MAX);
		made->nodes[i] = (struct profile_node){
			.parent = (uint32_t)pick(made, i + 1),
			.code = STREAM_CODE_FIRST + (uint32_t)pick(made, STACKS),
			.instr = (int32_t)pick(made, 9),
		};
	}
	assert_true(len < sizeof made->strings);
}

/* What an arena's pins add up to is its live blocks: the reader has seen to that. */
static void make_pins(struct made *made, uint32_t index)
{
	struct profile_arena *arena = &made->arenas[index];
	for (uint32_t stack = 0; stack < STACKS; stack++) {
		const uint32_t blocks = (uint32_t)pick(made, 100);
		if (pick(made, 4) || arena->bytes < 1 << 20)
			continue;
		made->pins[made->profile.pin_count++] = (struct profile_pin){
			.arena = index,
			.stack = stack,
			.blocks = blocks,
			.block_bytes = blocks * 500,
			.bytes = blocks,
			.oldest = (uint16_t)pick(made, WINDOWS),
			.newest = WINDOWS - 1,
		};
		arena->live_blocks += blocks;
		arena->live_bytes += blocks;
	}
}

static void make_arenas(struct made *made)
{
	uint64_t address = pick(made, 1 << 30);
	made->profile.arena_count = pick(made, ARENAS);
	for (uint32_t i = 0; i < made->profile.arena_count; i++) {
		made->arenas[i] = (struct profile_arena){
			.address = address,
			.bytes = some_bytes(made),
			.window = (uint32_t)pick(made, WINDOWS),
		};
		address += made->arenas[i].bytes + pick(made, 2) * pick(made, 1 << 22);
		make_pins(made, i);
	}
}

static void make_pools(struct made *made)
{
	static const uint32_t pool_bytes[] = {16384, 16384, 4096, 0, 1, 48, 65536, UINT32_MAX};
	const uint32_t bytes = pool_bytes[pick(made, 8)];
	uint64_t address = made->arenas[0].address;
	made->profile.run.pool_bytes = bytes;
	made->profile.pool_count = pick(made, POOLS);
	for (size_t i = 0; i < made->profile.pool_count; i++) {
		address += bytes > 1 && pick(made, 4) ? bytes - address % bytes
						      : 1 + pick(made, 1 << 18);
		made->pools[i] = (struct profile_pool){
			.address = address,
			.class = 1 + (uint32_t)pick(made, 32),
			.live_blocks = (uint32_t)pick(made, pick(made, 2) ? 30 : UINT32_MAX),
		};
	}
	/* Columns of blocks come as they are: nobody puts them in order. */
	made->profile.block_count = BLOCKS;
	for (size_t i = 0; i < BLOCKS; i++)
		made->blocks[i] = (struct profile_block){
			.address = pick(made, 9) ? made->pools[i * POOLS / BLOCKS].address +
							   pick(made, 1 << 14)
						 : pick(made, UINT64_MAX),
			.stack = (uint32_t)pick(made, STACKS + 1),
			.window = (uint16_t)pick(made, WINDOWS),
		};
}

static struct made *make(uint64_t seed)
{
	static char path[] = "made.memtrace";
	static char info[] = "python\0\x1b[31m";
	struct made *made = mem_alloc(sizeof *made);
	made->seed = seed * 0x9e3779b97f4a7c15ULL + 1;
	made->profile = (struct profile){
		.path = path,
		.info = info,
		.info_bytes = sizeof info,
		.strings = made->strings,
		.strings_bytes = sizeof made->strings,
		.codes = made->codes,
		.code_count = STACKS,
		.nodes = made->nodes,
		.node_count = STACKS,
		.windows = made->windows,
		.window_count = WINDOWS,
		.arenas = made->arenas,
		.pools = made->pools,
		.pins = made->pins,
		.blocks = made->blocks,
	};
	make_names(made);
	make_arenas(made);
	make_pools(made);
	return made;
}

static void check_rows(const struct map *map, size_t limit)
{
	struct map_fold fold;
	uint64_t bytes = 0, free_bytes = 0;
	size_t arenas = 0;
	map_fold_init(&fold, map, limit);
	for (size_t i = 0; i < fold.row_count; i++) {
		bytes += fold.rows[i].bytes;
		free_bytes += fold.rows[i].free_bytes;
		arenas += fold.rows[i].count;
	}
	assert_int_equal(arenas, map->count);
	assert_int_equal(bytes, map->of.arenas->bytes);
	assert_int_equal(free_bytes, map->of.arenas->free_bytes);
	assert_true(!limit || fold.row_count <= limit + 1);
	map_fold_release(&fold);
}

/* A terminal's control characters come out as text, and no row is wider than the terminal. */
static void check_text(const struct term *term, char *text, bool rows)
{
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		for (const char *at = line; *at; at++)
			assert_true((unsigned char)*at >= 0x20);
		/* Sentences are wrapped, but no shorter than their longest word. */
		if (rows && strncmp(line, "next:", 5) != 0 && strstr(line, "  ") > line + 1)
			assert_in_range(term_text_width(term, line), 0, term->width);
	}
}

static void print_rows(struct map_view view, struct made *made, size_t width, bool blocks)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const struct term term = {.out = out, .width = width, .blocks = blocks, .utf8 = blocks};
	view.term = &term;
	map_text(&view);
	view.blocks_of = &made->profile;
	map_text(&view);
	fclose(out);
	check_text(&term, text, true);
	free(text);
}

static void print_pools(struct map_view view, struct made *made, bool blocks)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const struct term term = {.out = out, .width = 80, .blocks = blocks, .utf8 = blocks};
	view.term = &term;
	for (size_t i = 0; i < view.map->count; i++) {
		struct map_pools pools;
		map_pools_init(&pools, view.map, &made->profile, i);
		map_text_pools(&view, &pools);
		map_pools_release(&pools);
	}
	fclose(out);
	check_text(&term, text, false);
	free(text);
}

static void print_all(struct made *made, const struct map *map, bool blocks)
{
	struct map_fold fold;
	map_fold_init(&fold, map, 5);
	const struct map_view view = {.map = map, .fold = &fold};
	for (size_t width = 60; width <= 160; width += 20)
		print_rows(view, made, width, blocks);
	print_pools(view, made, blocks);
	map_fold_release(&fold);
}

static void write_all(const struct map *map)
{
	FILE *out = fopen("/dev/null", "w");
	struct json json;
	assert_non_null(out);
	json_init(&json, out, 2);
	map_json(map, 0, &json);
	assert_int_equal(json.depth, 0);
	fclose(out);
}

static void check_round(uint64_t seed)
{
	struct made *made = make(seed);
	const struct moment end = {.kind = MOMENT_LAST, .name = "end", .asked_seconds = -1};
	struct arenas arenas;
	struct pinning pinning;
	struct map map;
	arenas_at(&made->profile, &end, &arenas);
	struct lines *lines = lines_new(&made->profile, false);
	struct grouping grouping = {.lines = lines,
				    .by = (enum grouping_by)(seed % (GROUPING_BY_MODULE + 1))};
	grouping_compute(&grouping);
	pinning_compute(&arenas, &grouping, 0, &pinning);
	const struct map_source source = {&made->profile, &grouping, &arenas, &pinning, end};
	map_init(&map, &source);
	for (size_t limit = 0; limit < 4; limit++)
		check_rows(&map, limit);
	print_all(made, &map, seed % 2);
	write_all(&map);
	map_release(&map);
	pinning_release(&pinning);
	grouping_release(&grouping);
	lines_free(lines);
	arenas_release(&arenas);
	free(made);
}

static void test_anything_can_be_shown(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= ROUNDS; seed++)
		check_round(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_anything_can_be_shown)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

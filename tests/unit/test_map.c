/*
 * The map: how full things are drawn, what fits into which width, what is folded; and the whole
 * of it for a profile of 5,000 arenas, which is filled so that every figure is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "heap_by_hand.h"

#include "../../reporter/map_fold.h"
#include "../../reporter/map_layout.h"
#include "../../reporter/map_text.h"
#include "../../reporter/short_names.h"

enum {
	MIB = 1 << 20,
	POOL = 16 << 10,
	ARENAS = 5000,
	FILES = 3,
	BLOCK = 64,
	POOL_BLOCKS = (POOL - 48) / BLOCK,
	FULL_POOLS = 60,
};
static const uint64_t first_arena = 0x7f0000000000;

static char *strip(const struct map_share *shares, size_t share_count, size_t cell_count,
		   bool blocks)
{
	struct map_cell cells[16];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const struct term term = {.out = out, .blocks = blocks, .utf8 = blocks};
	map_draw_cells(shares, share_count, cells, cell_count);
	map_draw(&term, cells, cell_count);
	fclose(out);
	return text;
}

/* One live block of many can be seen, and one free one. */
static void test_only_none_is_empty_and_only_all_is_full(void **state)
{
	static const struct map_share shares[] = {
		{0, 1021, 0},   {1, 1021, 0},    {1020, 1021, 0}, {1021, 1021, 0},
		{510, 1021, 0}, {2000, 1021, 0}, {0, 0, 0},
	};
	(void)state;
	char *text = strip(shares, 7, 7, true);
	assert_string_equal(text, "·▁▇█▄█·");
	free(text);
	text = strip(shares, 7, 7, false);
	assert_string_equal(text, ".:@#+#.");
	free(text);
}

/* Two to a cell, where they don't divide three; nothing is left out. */
static void test_neighbours_share_a_cell(void **state)
{
	static const struct map_share shares[] = {{1, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0},
						  {1, 1, 0}, {1, 1, 0}, {0, 1, 0}};
	(void)state;
	char *text = strip(shares, 7, 3, false);
	assert_string_equal(text, "+.*");
	free(text);
}

static void test_colours_are_of_who_has_most(void **state)
{
	static const struct map_share shares[] = {{1, 9, 2}, {2, 9, 3}, {0, 9, 2},
						  {0, 9, 3}, {5, 9, 1}, {0, 9, 2}};
	struct map_cell cells[3];
	(void)state;
	map_draw_cells(shares, 6, cells, 3);
	assert_int_equal(cells[0].hue, 3);
	assert_int_equal(cells[1].hue, MAP_DRAW_NO_HUE);
	assert_int_equal(cells[2].hue, 1);
}

static void test_a_bar_fills_from_the_left(void **state)
{
	struct map_cell cells[4];
	(void)state;
	map_draw_bar(5, 8, 0, cells, 4);
	const uint8_t levels[] = {8, 8, 4, 0};
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(cells[i].level, levels[i]);
	map_draw_bar(1, UINT64_MAX, 0, cells, 4);
	assert_int_equal(cells[0].level, 1);
	map_draw_bar(9, 8, 0, cells, 4);
	assert_int_equal(cells[3].level, 8);
	map_draw_bar(0, 0, 0, cells, 4);
	assert_int_equal(cells[0].level, 0);
}

static void test_every_width_has_room_for_who_holds(void **state)
{
	const size_t widths[MAP_FIGURES] = {2, 6, 14, 6, 8, 8};
	(void)state;
	for (size_t columns = 60; columns <= 300; columns++) {
		const struct map_layout layout = map_layout_of(columns, widths, 64);
		size_t used = layout.cells + MAP_GAP + layout.holders_width;
		for (size_t i = 0; i < MAP_FIGURES; i++)
			used += layout.shown[i] ? widths[i] + MAP_GAP : 0;
		assert_int_equal(used, columns);
		assert_true(layout.holders_width >= 20);
		assert_true(layout.shown[MAP_FREE]);
	}
	assert_int_equal(map_layout_of(80, widths, 64).cells, 16);
	assert_int_equal(map_layout_of(160, widths, 64).cells, 64);
	assert_int_equal(map_layout_of(0, widths, 64).holders_width, SIZE_MAX);
	assert_int_equal(map_layout_of(0, widths, 7).cells, 7);
}

static void test_files_of_one_name_are_told_apart(void **state)
{
	static const char *const paths[] = {"/srv/shop/models.py", "/srv/blog/models.py",
					    "/srv/app.py",         "/srv/shop/__init__.py",
					    "models.py",           "<frozen abc>",
					    "/x/y/z.py",           "/w/y/z.py"};
	static const char *const expected[] = {"shop/models.py:7", "blog/models.py:7",
					       "app.py:7",         "shop/__init__.py:7",
					       "models.py:7",      "abc:7",
					       "x/y/z.py:7",       "w/y/z.py:7"};
	struct source_place places[9] = {{.path = NULL}};
	const struct lines lines = {.places = places, .place_count = 9};
	struct short_names names;
	(void)state;
	for (size_t i = 0; i < 8; i++)
		places[i + 1].path = paths[i];
	short_names_init(&names, &lines);
	for (size_t i = 0; i < 8; i++) {
		const struct group group = {.file = paths[i], .line = 7};
		char *name = short_names_group(&names, &group);
		assert_string_equal(name, expected[i]);
		free(name);
	}
	short_names_release(&names);
}

/*
 * Arena i is file (i % 3)'s, and that one's alone. One in five is full; the others have one
 * block in each pool.
 */
static bool is_full(size_t arena)
{
	return arena % 5 == 0;
}

static void apply_records(struct hand *hand)
{
	heap_apply(&hand->heap, (struct record *)(void *)hand->records.data,
		   hand->records.len / sizeof(struct record));
	hand->records.len = 0;
}

static void fill_arena(struct hand *hand, size_t arena)
{
	const uint64_t address = first_arena + arena * MIB;
	const uint64_t stack = 2 + arena % FILES;
	const size_t blocks = is_full(arena) ? POOL_BLOCKS : 1;
	hand_record(hand, R_ARENA, address, stack | (uint64_t)MIB << 32);
	for (uint64_t pool = 0; pool < MIB / POOL; pool++)
		for (uint64_t i = 0; i < blocks && (!is_full(arena) || pool < FULL_POOLS); i++)
			hand_record(
				hand, R_SMALL_OBJECT, address + pool * POOL + 48 + i * BLOCK,
				stack | (uint64_t)BLOCK << 32 | (uint64_t)(BLOCK / 16) << 48);
	apply_records(hand);
}

/* For the caller to free; the file is gone with it. */
static struct profile *reopened(const struct heap *heap)
{
	char path[] = "/tmp/test_map.XXXXXX";
	struct profile *profile;
	struct err err = {""};
	close(mkstemp(path));
	if (profile_write(path, heap, &hand_identity, &hand_result, &err) ||
	    profile_open(path, &profile, &err) || profile_load_blocks(profile, &err))
		fail_msg("%s", err.text);
	unlink(path);
	return profile;
}

static struct profile *many_arenas(void)
{
	struct hand hand = {.block_count = 0};
	heap_init(&hand.heap);
	buf_init(&hand.records);
	hand_info(&hand, "python=3.13.5");
	hand_thread(&hand, 0, 4711, "MainThread");
	hand_node(&hand, 1, 0, STREAM_CODE_THREAD, 0);
	for (uint32_t i = 0; i < FILES; i++) {
		char file[40];
		snprintf(file, sizeof file, "/srv/some_longer_name_%u.py", i);
		hand_code(&hand, STREAM_CODE_FIRST + i, file, "keep", 10);
		hand_node(&hand, 2 + i, 1, STREAM_CODE_FIRST + i, 0);
	}
	for (size_t i = 0; i < ARENAS; i++)
		fill_arena(&hand, i);
	hand_record(&hand, R_END, END_EXIT, 0);
	apply_records(&hand);
	struct profile *profile = reopened(&hand.heap);
	hand_release(&hand);
	return profile;
}

struct made_map {
	struct profile *profile;
	struct arenas arenas;
	struct lines *lines;
	struct grouping grouping;
	struct pinning pinning;
	struct map map;
};

static void make_map(struct profile *profile, struct made_map *made)
{
	const struct moment end = {.kind = MOMENT_LAST, .name = "end", .asked_seconds = -1};
	made->profile = profile;
	arenas_at(made->profile, &end, &made->arenas);
	made->lines = lines_new(made->profile, false);
	made->grouping = (struct grouping){.lines = made->lines};
	grouping_compute(&made->grouping);
	pinning_compute(&made->arenas, &made->grouping, 0, &made->pinning);
	const struct map_source source = {made->profile, &made->grouping, &made->arenas,
					  &made->pinning, end};
	map_init(&made->map, &source);
}

static void release_map(struct made_map *made)
{
	map_release(&made->map);
	pinning_release(&made->pinning);
	grouping_release(&made->grouping);
	lines_free(made->lines);
	arenas_release(&made->arenas);
	profile_free(made->profile);
}

/* The full ones are one row; the others one for each file. */
static void check_fold(const struct map *map)
{
	size_t arenas = 0;
	uint64_t free_bytes = 0;
	struct map_fold fold;
	map_fold_init(&fold, map, 10);
	assert_int_equal(fold.row_count, FILES + 1);
	for (size_t i = 0; i < fold.row_count; i++) {
		const struct map_row *row = &fold.rows[i];
		const bool full = row->kind == MAP_ROW_FULL;
		arenas += row->count;
		free_bytes += row->free_bytes;
		assert_int_equal(full, i == FILES);
		assert_int_equal(row->holder_count, full ? FILES : 1);
		if (full)
			assert_int_equal(row->count, ARENAS / 5);
		else
			assert_int_equal(row->holders[0].blocks, row->count * (MIB / POOL));
		assert_true(is_full((map->items[row->arena].held->address - first_arena) /
				    MIB) == full);
	}
	assert_int_equal(arenas, ARENAS);
	assert_int_equal(free_bytes, map->of.arenas->free_bytes);
	map_fold_release(&fold);
}

/* What there is no room for is one row more, and what it hides adds up. */
static void check_limit(const struct map *map)
{
	struct map_fold fold;
	map_fold_init(&fold, map, 1);
	assert_int_equal(fold.row_count, 2);
	assert_int_equal(fold.rows[1].kind, MAP_ROW_OTHER);
	assert_int_equal(fold.rows[0].count + fold.rows[1].count, ARENAS);
	assert_int_equal(fold.rows[1].holder_count, FILES);
	map_fold_release(&fold);
	map_fold_init(&fold, map, 0);
	assert_int_equal(fold.row_count, ARENAS);
	for (size_t i = 1; i < fold.row_count; i++)
		assert_true(fold.rows[i - 1].free_bytes >= fold.rows[i].free_bytes);
	map_fold_release(&fold);
}

static void check_width(const struct map *map, size_t columns, bool blocks)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	const struct term term = {
		.out = out, .width = columns, .blocks = blocks, .utf8 = blocks};
	struct map_fold fold;
	map_fold_init(&fold, map, 10);
	const struct map_view view = {.map = map, .fold = &fold, .term = &term};
	map_text(&view);
	fclose(out);
	map_fold_release(&fold);
	assert_non_null(strstr(text, "5,000 arenas"));
	assert_non_null(strstr(text, "name_"));
	/* A narrow terminal breaks these sentences. */
	if (columns >= 140) {
		assert_non_null(
			strstr(text, ": freeing 85,376 blocks gives back 1,334 arenas"));
		assert_non_null(strstr(text, "all of them gives back 5,000 arenas"));
	}
	size_t lines = 0;
	char *rest = text;
	for (char *line; (line = strsep(&rest, "\n")); lines++) {
		/* The path of the test's profile is a word that is longer than some lines. */
		if (strncmp(line, "next:", 5) != 0 && !strstr(line, "/tmp/"))
			assert_in_range(term_text_width(&term, line), 0, columns);
		for (const char *at = line; !blocks && *at; at++)
			assert_in_range(*at, 0x20, 0x7e);
	}
	assert_in_range(lines, 8, 24);
	free(text);
}

static void test_five_thousand_arenas_fit_a_screen(void **state)
{
	struct made_map made;
	(void)state;
	make_map(many_arenas(), &made);
	assert_int_equal(made.map.count, ARENAS);
	check_fold(&made.map);
	check_limit(&made.map);
	for (size_t columns = 60; columns <= 180; columns += 40) {
		check_width(&made.map, columns, true);
		check_width(&made.map, columns, false);
	}
	release_map(&made);
}

/* The arena of a heap made by hand that a block of it lies in; SIZE_MAX: none. */
static size_t arena_around(const struct map *map, uint64_t address)
{
	for (size_t i = 0; i < map->count; i++)
		if (address - map->items[i].held->address < map->items[i].held->bytes)
			return i;
	return SIZE_MAX;
}

static const struct map_pool *pool_around(const struct map_pools *pools, uint64_t address)
{
	for (size_t i = 0; i < pools->count; i++)
		if (address - pools->items[i].address < POOL)
			return &pools->items[i];
	return NULL;
}

/* Each live block is drawn where it is, and nothing else is, a debug allocator's among them. */
static void test_each_block_is_in_its_place(void **state)
{
	struct hand hand;
	struct made_map made;
	struct map_pools pools[2];
	size_t found = 0, drawn = 0;
	(void)state;
	assert_true(hand_init(&hand));
	make_map(reopened(&hand.heap), &made);
	assert_int_equal(made.map.count, 2);
	for (size_t i = 0; i < 2; i++)
		map_pools_init(&pools[i], &made.map, made.profile, i);
	for (size_t i = 0; i < hand.block_count; i++) {
		const uint64_t address = hand.blocks[i].address;
		const size_t arena = arena_around(&made.map, address);
		if (arena == SIZE_MAX)
			continue;
		const struct map_pool *pool = pool_around(&pools[arena], address);
		assert_non_null(pool);
		const size_t index = (address - pool->address - 48) / pool->block_bytes;
		assert_int_equal(pool->blocks[index].live, 1);
		found++;
	}
	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < pools[i].count; j++)
			for (size_t k = 0; k < pools[i].items[j].capacity; k++)
				drawn += pools[i].items[j].blocks[k].live;
	assert_true(found > 0);
	assert_int_equal(drawn, found);
	/* An arena that isn't aligned has a pool less. */
	assert_int_equal(pools[0].room + pools[1].room, 2 * (MIB / POOL) - 1);
	for (size_t i = 0; i < 2; i++)
		map_pools_release(&pools[i]);
	release_map(&made);
	hand_release(&hand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_none_is_empty_and_only_all_is_full),
		cmocka_unit_test(test_neighbours_share_a_cell),
		cmocka_unit_test(test_colours_are_of_who_has_most),
		cmocka_unit_test(test_a_bar_fills_from_the_left),
		cmocka_unit_test(test_every_width_has_room_for_who_holds),
		cmocka_unit_test(test_files_of_one_name_are_told_apart),
		cmocka_unit_test(test_five_thousand_arenas_fit_a_screen),
		cmocka_unit_test(test_each_block_is_in_its_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

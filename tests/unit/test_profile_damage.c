/*
 * Damaged, cut off and invented profiles: whatever the bytes, they are refused with one
 * sentence or keep the promises of profile_read.h, and damage costs what is damaged and
 * nothing else.
 */
#include "profile_fixture.h"

#include "../../collector/profile_file.h"

static bool same(const void *a, size_t a_count, const void *b, size_t b_count,
		 size_t item_bytes)
{
	return a_count == b_count && (!a_count || !memcmp(a, b, a_count * item_bytes));
}

#define SAME(field, count) same(a->field, a->count, b->field, b->count, sizeof(*a->field))

static bool says_the_same(const struct profile *a, const struct profile *b)
{
	return !memcmp(&a->run, &b->run, sizeof(a->run)) && SAME(info, info_bytes) &&
	       SAME(strings, strings_bytes) && SAME(linetables, linetables_bytes) &&
	       SAME(codes, code_count) && SAME(nodes, node_count) &&
	       SAME(threads, thread_count) && SAME(sites, site_count) &&
	       SAME(marks, mark_count) && SAME(changes, change_count) &&
	       SAME(windows, window_count) && SAME(arenas, arena_count) &&
	       SAME(pools, pool_count) && SAME(pins, pin_count) && SAME(audits, audit_count) &&
	       SAME(arena_marks, arena_mark_count) && SAME(holders, holder_count) &&
	       SAME(mark_classes, mark_class_count) && SAME(differences, difference_count) &&
	       SAME(mappings, mapping_count) && SAME(blocks, block_count);
}

/* Without trouble, the answer has to be the one of the undamaged file. */
static void assert_told_or_same(const struct profile *whole, const uint8_t *bytes, size_t len)
{
	struct profile *profile;

	if (promises_kept("damaged", bytes, len))
		return;
	assert_int_equal(profile_parse("damaged", bytes, len, &profile, NULL), 0);
	assert_int_equal(profile_load_blocks(profile, NULL), 0);
	assert_true(says_the_same(whole, profile));
	profile_free(profile);
}

static void test_byte_flips(void **state)
{
	static const uint8_t flips[] = {0x01, 0x10, 0x80, 0xff};
	struct fixture *fixture = *state;
	struct profile *whole;
	struct buf bytes;

	write_hand(fixture);
	whole = open_whole(fixture->path);
	bytes = read_file(fixture->path);
	for (size_t i = 0; i < bytes.len; i++)
		for (size_t k = 0; k < sizeof(flips); k++) {
			bytes.data[i] ^= flips[k];
			assert_told_or_same(whole, bytes.data, bytes.len);
			bytes.data[i] ^= flips[k];
		}
	buf_release(&bytes);
	profile_free(whole);
}

static void test_every_length(void **state)
{
	struct fixture *fixture = *state;
	struct buf bytes;

	write_hand(fixture);
	bytes = read_file(fixture->path);
	for (size_t len = 0; len < bytes.len; len++) {
		uint8_t *cut = mem_copy(bytes.data, len);

		assert_in_range(promises_kept("cut", cut, len), 1, SIZE_MAX);
		free(cut);
	}
	buf_u8(&bytes, 0);
	assert_int_equal(promises_kept("longer", bytes.data, bytes.len), 1);
	buf_release(&bytes);
}

/* A damaged section costs that section: all others say what they said. */
static void test_one_section_lost(void **state)
{
	struct fixture *fixture = *state;
	struct profile *profile;
	const struct profile_section *section;
	struct buf bytes;

	write_hand(fixture);
	profile = open_whole(fixture->path);
	bytes = read_file(fixture->path);
	section = profile_section_of(profile, "NODE");
	bytes.data[section->offset + section->stored_bytes - 1] ^= 1;
	profile_free(profile);

	assert_int_equal(profile_parse("damaged", bytes.data, bytes.len, &profile, NULL), 0);
	assert_int_equal(profile_load_blocks(profile, NULL), 0);
	assert_int_equal(profile->problem_count, 1);
	assert_non_null(strstr(profile->problems[0], "section NODE at offset"));
	assert_int_equal(profile->node_count, 0);
	assert_int_equal(profile->run.live_bytes, fixture->hand.heap.sites.live_bytes);
	assert_int_equal(profile->code_count, 3);
	assert_int_equal(profile->pool_count, 3);
	/* Nothing of the figures is lost, only whose they were. */
	assert_int_equal(profile->site_count, 1);
	assert_int_equal(profile->sites[0].stack, 0);
	assert_int_equal(profile->sites[0].live_bytes, profile->run.live_bytes);
	assert_int_equal(profile->block_count, fixture->hand.block_count);
	profile_free(profile);
	buf_release(&bytes);
}

/* A profile made of given sections. */
struct made {
	struct profile_file file;
	struct fixture *fixture;
};

static void made_init(struct made *made, struct fixture *fixture)
{
	made->fixture = fixture;
	assert_int_equal(profile_file_create(&made->file, fixture->path, 32, NULL), 0);
}

static void made_add(struct made *made, const char *tag, uint32_t item_bytes, const void *bytes,
		     size_t len)
{
	__attribute__((cleanup(section_write_release))) struct section_write section;

	section_write_init(&section, tag, item_bytes);
	section_write_add(&section, bytes, len);
	assert_int_equal(profile_file_add(&made->file, &section, NULL), 0);
}

static struct profile *made_open(struct made *made)
{
	struct profile *profile;
	struct err err = {""};

	assert_int_equal(profile_file_commit(&made->file, NULL), 0);
	profile_file_release(&made->file);
	if (profile_open(made->fixture->path, &profile, &err))
		fail_msg("%s", err.text);
	return profile;
}

/*
 * Items of a younger version are longer, those of an older one shorter; unknown tags are
 * skipped.
 */
static void test_other_versions(void **state)
{
	struct longer {
		struct profile_window window;
		uint64_t more;
	} longer[2] = {{{1, 2, 3, 4, 5}, 6}, {{7, 8, 9, 10, 11}, 12}};
	const uint32_t shorter[3][2] = {{4, 40}, {5, 50}, {6, 60}};
	struct profile *profile;
	struct made made;

	made_init(&made, *state);
	made_add(&made, "WIND", sizeof(*longer), longer, sizeof(longer));
	made_add(&made, "THRD", sizeof(*shorter), shorter, sizeof(shorter));
	made_add(&made, "ZZZZ", 4, "whatever", 8);
	profile = made_open(&made);
	assert_int_equal(profile->window_count, 2);
	assert_int_equal(profile->windows[1].start_ms, 7);
	assert_int_equal(profile->windows[1].arena_bytes, 11);
	assert_int_equal(profile->thread_count, 3);
	assert_int_equal(profile->threads[2].slot, 6);
	assert_int_equal(profile->threads[2].tid, 60);
	assert_int_equal(profile->threads[2].count, 0);
	assert_int_equal(profile->problem_count, 16); /* as many of the known 18 are missing */
	profile_free(profile);
}

/* References that lead nowhere, behind good checksums. */
static void test_lying_references(void **state)
{
	const struct profile_node nodes[] = {{0, 0, 0}, {2, 16, 4}, {9, 17, 4}};
	const struct profile_code code = {1, 900, 10, 77, 1, 5000, 0};
	const struct profile_site sites[] = {{.stack = 2, .live_bytes = 1},
					     {.stack = 1, .live_bytes = 10},
					     {.stack = 4, .live_bytes = 100},
					     {.stack = 3, .live_bytes = 1000}};
	const struct profile_mark marks[] = {
		{.name = 3, .change_start = UINT64_MAX, .change_count = 2}};
	const struct profile_arena arenas[] = {{.address = 1 << 20, .bytes = 1 << 20},
					       {.address = 1 << 19, .bytes = 1 << 20}};
	const struct profile_pool pool = {4096, 33, 1};
	const struct profile_mapping mapping = {.address = 4096, .bytes = UINT64_MAX};
	struct profile *profile;
	struct made made;
	struct buf bytes;

	made_init(&made, *state);
	made_add(&made, "STRS", 1, "\0ab", 4);
	made_add(&made, "NODE", sizeof(*nodes), nodes, sizeof(nodes));
	made_add(&made, "CODE", sizeof(code), &code, sizeof(code));
	made_add(&made, "SITE", sizeof(*sites), sites, sizeof(sites));
	made_add(&made, "MARK", sizeof(*marks), marks, sizeof(marks));
	made_add(&made, "ARNA", sizeof(*arenas), arenas, sizeof(arenas));
	made_add(&made, "POOL", sizeof(pool), &pool, sizeof(pool));
	made_add(&made, "MAPS", sizeof(mapping), &mapping, sizeof(mapping));
	profile = made_open(&made);
	assert_int_equal(profile->nodes[1].parent, 0);
	assert_ptr_equal(profile_code_of(profile, &profile->nodes[1]), profile->codes);
	assert_int_equal(profile->nodes[2].parent, 0);
	assert_null(profile_code_of(profile, &profile->nodes[2]));
	assert_string_equal(profile_text(profile, profile->codes->file), "ab");
	assert_string_equal(profile_text(profile, profile->codes->name), "");
	assert_int_equal(profile_line(profile, &profile->nodes[1]), LINE_NONE);
	assert_int_equal(profile->site_count, 3);
	assert_int_equal(profile->sites[0].live_bytes, 110); /* out of order, and of no stack */
	assert_int_equal(profile->sites[1].stack, 2);
	assert_int_equal(profile->sites[2].live_bytes, 1000);
	assert_int_equal(profile->marks->change_count, 0);
	assert_int_equal(profile->arena_count + profile->pool_count + profile->mapping_count,
			 0);
	profile_free(profile);
	bytes = read_file(((struct fixture *)*state)->path);
	assert_in_range(promises_kept("lies", bytes.data, bytes.len), 1, SIZE_MAX);
	buf_release(&bytes);
}

/* What pins say against the arenas that they are of. */
static void test_lying_pins(void **state)
{
	const struct profile_arena arenas[] = {
		{.address = 1 << 20, .bytes = 1 << 20, .live_bytes = 30, .live_blocks = 2},
		{.address = 1 << 21, .bytes = 1 << 20},
		{.address = 3 << 20, .bytes = 1 << 20, .live_bytes = 5, .live_blocks = 1}};
	const struct profile_pin good[] = {
		{0, 1, 1, 16, 14, 0, 0}, {0, 2, 1, 16, 16, 0, 9}, {2, 0, 1, 16, 5, 9, 9}};
	/* One word of one pin: which, where, what; the first case changes nothing. */
	static const struct {
		size_t pin, word;
		uint32_t value;
	} lies[] = {{0, 0, 0}, {2, 0, 1}, {2, 0, 3},  {1, 1, 1},
		    {1, 2, 2}, {0, 3, 1}, {0, 4, 13}, {2, 3, 1 << 21}};

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct profile_pin pins[3];
		struct profile *profile;
		struct made made;

		memcpy(pins, good, sizeof(pins));
		memcpy((uint8_t *)&pins[lies[i].pin] + 4 * lies[i].word, &lies[i].value, 4);
		made_init(&made, *state);
		made_add(&made, "STRS", 1, "", 1);
		made_add(&made, "ARNA", sizeof(*arenas), arenas, sizeof(arenas));
		made_add(&made, "PINS", sizeof(*pins), pins, sizeof(pins));
		profile = made_open(&made);
		assert_int_equal(profile->pin_count, i ? 0 : 3);
		if (i)
			assert_non_null(strstr(profile->problems[profile->problem_count - 1],
					       "section PINS"));
		else
			assert_int_equal(profile->pins[1].newest + profile->pins[1].stack, 0);
		profile_free(profile);
	}
}

/* Arenas at marks: what refers to nothing is mended, what contradicts itself is lost. */
static void test_lying_arena_marks(void **state)
{
	const struct profile_mark mark = {.live_bytes = 1};
	const struct profile_holder holders[] = {{1, 2, 32, 0, 9}, {0, 1, 16, 0, 0}};
	const struct profile_arena_mark good[] = {
		{1 << 20, 1 << 20, 40, 48, 0, 3, 1, 0, 2, 5},
		{2 << 20, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		{3 << 20, 1 << 20, 16, 16, PROFILE_PEAK, 1, 1, 1, 1, 0},
	};
	/* One word of one arena: which, where, what; then what is left. */
	static const struct {
		size_t arena, word;
		uint32_t value;
		size_t arenas;
		uint32_t holders, others;
	} cases[] = {
		{0, 13, 5, 3, 2, 5},          /* nothing changed */
		{0, 11, 1, 3, 0, 7},          /* holders beyond the end */
		{0, 12, 9, 3, 0, 5},          /* more than there can be */
		{0, 11, 0xffffffff, 3, 0, 7}, /* far beyond */
		{0, 4, 49, 0, 0, 0},          /* more live than its blocks take */
		{0, 6, 2 << 20, 0, 0, 0},     /* more than the arena has */
		{1, 0, 1 << 20, 0, 0, 0},     /* out of order */
		{0, 8, 1, 2, 0, 0},           /* of no mark: left out */
		{1, 10, 77, 3, 2, 5},         /* figures of one that is gone */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct profile_arena_mark items[3];
		struct profile *profile;
		struct made made;

		memcpy(items, good, sizeof(items));
		memcpy((uint8_t *)&items[cases[i].arena] + 4 * cases[i].word, &cases[i].value,
		       4);
		made_init(&made, *state);
		made_add(&made, "STRS", 1, "", 1);
		made_add(&made, "MARK", sizeof(mark), &mark, sizeof(mark));
		made_add(&made, "AMRK", sizeof(*items), items, sizeof(items));
		made_add(&made, "HOLD", sizeof(*holders), holders, sizeof(holders));
		profile = made_open(&made);
		assert_int_equal(profile->arena_mark_count, cases[i].arenas);
		if (cases[i].arenas == 3) {
			assert_int_equal(profile->arena_marks->holder_count, cases[i].holders);
			assert_int_equal(profile->arena_marks->other_stacks, cases[i].others);
			assert_int_equal(profile->arena_marks[1].pools, 0);
		}
		assert_int_equal(profile->holders->stack + profile->holders->newest, 0);
		profile_free(profile);
	}
}

/* Addresses that run over the top, a number that doesn't end, columns of other lengths. */
static void test_lying_columns(void **state)
{
	static const uint8_t over[] = {1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f};
	static const uint8_t open_end[] = {1, 2, 0x80};
	static const uint8_t three[] = {1, 2, 3};
	const uint32_t stacks[2] = {0, 0};
	const struct {
		const uint8_t *bytes;
		size_t len, blocks;
	} cases[] = {{over, sizeof(over), 0}, {open_end, 3, 0}, {three, 3, 3}};

	for (size_t i = 0; i < 3; i++) {
		struct profile *profile;
		struct made made;
		struct err err = {""};

		made_init(&made, *state);
		made_add(&made, "STRS", 1, "", 1);
		made_add(&made, "BLKA", 1, cases[i].bytes, cases[i].len);
		made_add(&made, "BLKZ", 1, open_end, sizeof(open_end));
		made_add(&made, "BLKS", 4, stacks, sizeof(stacks));
		profile = made_open(&made);
		assert_int_equal(profile_load_blocks(profile, &err), cases[i].blocks ? 0 : -1);
		assert_int_equal(profile->block_count, cases[i].blocks);
		/*
		 * 14 sections are missing, BLKW is missing once more, BLKZ and BLKS don't
		 * fit.
		 */
		assert_int_equal(profile->problem_count, cases[i].blocks ? 17 : 14);
		if (cases[i].blocks)
			assert_int_equal(profile->blocks[2].address, 8 * (1 + 2 + 3));
		profile_free(profile);
	}
}

/* Section by section, the content of a good profile with random bytes changed in it. */
static void add_mutated(struct made *made, const struct profile *whole,
			const struct profile_section *section, uint64_t *random)
{
	struct buf raw;

	buf_init(&raw);
	assert_int_equal(section_read(&whole->source, section, &raw, NULL), 0);
	for (size_t i = 0; i < raw.len; i++) {
		*random = *random * 6364136223846793005 + 1442695040888963407;
		if (*random >> 59 == 0)
			raw.data[i] = (uint8_t)(*random >> 40);
	}
	made_add(made, section->tag, section->item_bytes, raw.data, raw.len);
	buf_release(&raw);
}

static void test_random_content(void **state)
{
	struct fixture *fixture = *state;
	struct profile *whole;
	uint64_t random = 5;

	write_hand(fixture);
	whole = open_whole(fixture->path);
	for (size_t round = 0; round < 300; round++) {
		struct made made;
		struct buf bytes;

		made_init(&made, fixture);
		for (size_t i = 0; i < whole->section_count; i++)
			add_mutated(&made, whole, &whole->sections[i], &random);
		profile_free(made_open(&made));
		bytes = read_file(fixture->path);
		promises_kept("mutated", bytes.data, bytes.len);
		buf_release(&bytes);
	}
	profile_free(whole);
}

static void refresh_checksum(struct buf *bytes)
{
	struct profile_header *header = (struct profile_header *)(void *)bytes->data;

	header->checksum = profile_checksum(header,
					    (const void *)(bytes->data + header->table_offset));
}

/* A table that claims too much is refused before anything is allocated for it. */
static void test_lying_table(void **state)
{
	static const uint64_t claims[] = {0, 1, 1 << 20, 1ULL << 31, 1ULL << 40, UINT64_MAX};
	struct fixture *fixture = *state;
	struct profile_section *table;
	struct buf bytes;

	write_hand(fixture);
	bytes = read_file(fixture->path);
	table = (struct profile_section *)(void *)(bytes.data + sizeof(struct profile_header));
	for (size_t i = 0; i < 24 * 4; i++) {
		uint64_t claim = claims[i % 6];
		struct profile_section before = table[i / 4];
		size_t troubles;

		if (i % 4 == 0)
			table[i / 4].raw_bytes = claim;
		else if (i % 4 == 1)
			table[i / 4].stored_bytes = claim;
		else if (i % 4 == 2)
			table[i / 4].offset = claim;
		else
			table[i / 4].item_bytes = (uint32_t)claim + 3;
		/* Of an empty section some claims are true. */
		if (memcmp(&table[i / 4], &before, sizeof(before)) == 0)
			continue;
		refresh_checksum(&bytes);
		/* Items of another size may be right: they could come from another version. */
		troubles = promises_kept("lies", bytes.data, bytes.len);
		assert_true(troubles || i % 4 == 3);
		table[i / 4] = before;
	}
	for (size_t i = 0; i < 24; i++) {
		/* The first byte of the next section, or beyond the end. */
		table[i].stored_bytes++;
		refresh_checksum(&bytes);
		assert_in_range(promises_kept("lies", bytes.data, bytes.len), 1, SIZE_MAX);
		table[i].stored_bytes--;
	}
	buf_release(&bytes);
}

static void assert_refused(const void *bytes, size_t len, const char *because)
{
	struct profile *profile;
	struct err err = {""};

	assert_int_equal(profile_parse("x.memtrace", bytes, len, &profile, &err), -1);
	assert_non_null(strstr(err.text, because));
	assert_true(is_sentence(err.text, "x.memtrace"));
}

static void test_no_profile(void **state)
{
	struct fixture *fixture = *state;
	struct profile *profile;
	struct profile_header *header;
	struct err err = {""};
	char other[64] = "something else altogether";
	struct buf bytes;

	assert_int_equal(profile_open(fixture->folder, &profile, &err), -1);
	assert_non_null(strstr(err.text, "not a regular file"));
	assert_int_equal(profile_open(fixture->path, &profile, &err), -1);
	assert_non_null(strstr(err.text, fixture->path));
	assert_refused("", 0, "beyond its end");
	assert_refused(other, sizeof(other), "isn't a profile");
	write_hand(fixture);
	bytes = read_file(fixture->path);
	header = (struct profile_header *)(void *)bytes.data;
	header->version = PROFILE_VERSION + 1;
	refresh_checksum(&bytes);
	assert_refused(bytes.data, bytes.len, "version 2");
	buf_release(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_byte_flips),       TEST(test_every_length),
		TEST(test_one_section_lost), TEST(test_other_versions),
		TEST(test_lying_references), TEST(test_lying_columns),
		TEST(test_lying_pins),       TEST(test_lying_arena_marks),
		TEST(test_random_content),   TEST(test_lying_table),
		TEST(test_no_profile),
	};

	return cmocka_run_group_tests_name("profile_damage", tests, NULL, NULL);
}

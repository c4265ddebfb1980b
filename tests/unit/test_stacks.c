/* Definitions as they come in a stream, well-formed and not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../collector/stacks.h"

static void apply(struct stacks *stacks, struct buf *stream)
{
	const struct record *r = (const struct record *)(const void *)stream->data;
	const struct record *end = r + stream->len / sizeof(*r);

	for (; r < end; r += stream_record_slots(r))
		stacks_apply(stacks, r);
	stream->len = 0;
}

static void put(struct buf *stream, enum record_kind kind, uint64_t a, uint64_t b)
{
	struct record r = {record_head(kind, a), b};

	buf_append(stream, &r, sizeof(r));
}

static void put_node(struct buf *stream, uint32_t id, uint32_t parent, uint32_t code,
		     int32_t instr)
{
	put(stream, R_NODE, id, parent | (uint64_t)code << 32);
	put(stream, R_DATA, (uint32_t)instr, 0);
}

static void put_code(struct buf *stream, uint32_t id, const char *file, const char *name,
		     const char *table, int32_t first_line, uint32_t lie)
{
	struct stream_code head = {
		.first_line = first_line,
		.linetable_kind = LINETABLE_LNOTAB,
		.file_bytes = (uint32_t)strlen(file) + lie,
		.name_bytes = (uint32_t)strlen(name),
		.linetable_bytes = (uint32_t)strlen(table),
		.first_traced = 6,
	};
	struct buf text;

	buf_init(&text);
	buf_append(&text, &head, sizeof(head));
	buf_append(&text, file, strlen(file));
	buf_append(&text, name, strlen(name));
	buf_append(&text, table, strlen(table));
	stream_put_text(stream, R_CODE, id, text.data, text.len);
	buf_release(&text);
}

static void put_thread(struct buf *stream, uint32_t slot, uint32_t tid, const char *name)
{
	struct stream_thread head = {.tid = tid};
	struct buf text;

	buf_init(&text);
	buf_append(&text, &head, sizeof(head));
	buf_append(&text, name, strlen(name));
	stream_put_text(stream, R_THREAD, slot, text.data, text.len);
	buf_release(&text);
}

struct fixture {
	struct stacks stacks;
	struct buf stream;
};

static struct fixture *start(void **state)
{
	struct fixture *f = *state;

	stacks_init(&f->stacks);
	buf_init(&f->stream);
	return f;
}

static void finish(struct fixture *f)
{
	stacks_release(&f->stacks);
	buf_release(&f->stream);
}

static void test_nodes(void **state)
{
	struct fixture *f = start(state);

	put_node(&f->stream, 1, 0, STREAM_CODE_THREAD, 3);
	put_node(&f->stream, 2, 1, STREAM_CODE_FIRST, -2);
	put_node(&f->stream, 5, 1, STREAM_CODE_FIRST, 7); /* 3 and 4 were lost */
	put_node(&f->stream, 2, 1, STREAM_CODE_FIRST, 8); /* a second time */
	apply(&f->stacks, &f->stream);
	assert_int_equal(f->stacks.node_count, 5);
	assert_int_equal(f->stacks.nodes[2].code, STREAM_CODE_TRUNCATED);
	assert_int_equal(f->stacks.nodes[4].instr, 7);
	assert_int_equal(f->stacks.nodes[0].code, STREAM_CODE_THREAD);
	assert_int_equal(f->stacks.nodes[0].instr, 3);
	assert_int_equal(f->stacks.nodes[1].parent, 1);
	assert_int_equal(f->stacks.nodes[1].instr, -2);
	finish(f);
}

/* A file name long enough for two fragments. */
static void test_codes(void **state)
{
	struct fixture *f = start(state);
	char *file = malloc(9001);

	memset(file, 'f', 9000);
	file[9000] = '\0';
	put_code(&f->stream, STREAM_CODE_FIRST, file, "Class.method", "\x02\x01\x04\x02", 10,
		 0);
	put_code(&f->stream, STREAM_CODE_FIRST + 1, "a.py", "", "", 0, 0);
	apply(&f->stacks, &f->stream);
	const struct code *code = stacks_code(&f->stacks, STREAM_CODE_FIRST);
	assert_non_null(code);
	assert_string_equal(code->file, file);
	assert_string_equal(code->name, "Class.method");
	assert_int_equal(code->first_line, 10);
	assert_int_equal(code->linetable_bytes, 4);
	assert_int_equal(code->first_traced, 6);
	assert_memory_equal(code->linetable, "\x02\x01\x04\x02", 4);
	assert_string_equal(stacks_code(&f->stacks, STREAM_CODE_FIRST + 1)->name, "");
	assert_null(stacks_code(&f->stacks, STREAM_CODE_FIRST + 2));
	assert_null(stacks_code(&f->stacks, STREAM_CODE_TRUNCATED));
	free(file);
	finish(f);
}

/* Lengths that don't add up cost that code's names, but not the ids of those after it. */
static void test_damaged_code_keeps_its_id(void **state)
{
	struct fixture *f = start(state);

	put_code(&f->stream, STREAM_CODE_FIRST, "a.py", "f", "", 1, UINT32_MAX - 20);
	put_code(&f->stream, STREAM_CODE_FIRST + 1, "b.py", "g", "", 1, 0);
	apply(&f->stacks, &f->stream);
	assert_string_equal(stacks_code(&f->stacks, STREAM_CODE_FIRST)->file, "");
	assert_string_equal(stacks_code(&f->stacks, STREAM_CODE_FIRST + 1)->file, "b.py");
	finish(f);
}

static void test_threads_share_slots(void **state)
{
	struct fixture *f = start(state);

	put_thread(&f->stream, 0, 100, "MainThread");
	put_thread(&f->stream, 9, 101, "");
	put_thread(&f->stream, 9, 101, "worker-1"); /* the same one got a name */
	put_thread(&f->stream, 9, 102, "worker-2");
	apply(&f->stacks, &f->stream);
	assert_int_equal(f->stacks.thread_count, 2);
	assert_string_equal(f->stacks.threads[0].name, "MainThread");
	assert_int_equal(f->stacks.threads[1].slot, 9);
	assert_int_equal(f->stacks.threads[1].tid, 102);
	assert_int_equal(f->stacks.threads[1].count, 2);
	assert_string_equal(f->stacks.threads[1].name, "worker-2");
	finish(f);
}

static void test_infos(void **state)
{
	struct fixture *f = start(state);

	stream_put_text(&f->stream, R_INFO, 0, "python=3.11.2", 13);
	stream_put_text(&f->stream, R_INFO, 0, "empty=", 6);
	stream_put_text(&f->stream, R_INFO, 0, "nothing", 7);
	stream_put_text(&f->stream, R_INFO, 0, "python=3.13=x", 13);
	apply(&f->stacks, &f->stream);
	assert_int_equal(f->stacks.info_count, 2);
	assert_string_equal(f->stacks.infos[0].key, "python");
	assert_string_equal(f->stacks.infos[0].value, "3.13=x");
	assert_string_equal(f->stacks.infos[1].key, "empty");
	assert_string_equal(f->stacks.infos[1].value, "");
	finish(f);
}

/* lnotab: 2 bytes on the first line, then one further, then two. */
static void test_lines_are_compared(void **state)
{
	struct fixture *f = start(state);

	put_code(&f->stream, STREAM_CODE_FIRST, "a.py", "f", "\x02\x01\x04\x02", 10, 0);
	put(&f->stream, R_CHECK, STREAM_CODE_FIRST, 0 | (uint64_t)10 << 32);
	put(&f->stream, R_CHECK, STREAM_CODE_FIRST, 2 | (uint64_t)11 << 32);
	put(&f->stream, R_CHECK, STREAM_CODE_FIRST, 6 | (uint64_t)13 << 32);
	apply(&f->stacks, &f->stream);
	assert_int_equal(f->stacks.checks, 3);
	assert_int_equal(f->stacks.checks_differing, 0);
	put(&f->stream, R_CHECK, STREAM_CODE_FIRST, 6 | (uint64_t)12 << 32);
	put(&f->stream, R_CHECK, STREAM_CODE_FIRST, 6 | (uint64_t)(uint32_t)-1 << 32);
	put(&f->stream, R_CHECK, STREAM_CODE_FIRST + 1, 6 | (uint64_t)12 << 32); /* not known */
	apply(&f->stacks, &f->stream);
	assert_int_equal(f->stacks.checks, 3);
	assert_int_equal(f->stacks.checks_differing, 2);
	finish(f);
}

int main(void)
{
	struct fixture fixture;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_nodes, &fixture),
		cmocka_unit_test_prestate(test_codes, &fixture),
		cmocka_unit_test_prestate(test_damaged_code_keeps_its_id, &fixture),
		cmocka_unit_test_prestate(test_threads_share_slots, &fixture),
		cmocka_unit_test_prestate(test_infos, &fixture),
		cmocka_unit_test_prestate(test_lines_are_compared, &fixture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

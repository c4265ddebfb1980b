/*
 * The library's tables under many threads: numbers of code and nodes, slots of threads, arenas.
 * What was defined stands in the stream before anything that names it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "race_reader.h"
#include "../../preload/arenas.h"
#include "../../preload/intern.h"
#include "../../preload/thread.h"

enum {
	ROUNDS = 8000,
	CONTENTS = 300,
	ADDRESSES = 64, /* of code, for each thread */
	INSTRS = 512,
	SLOTS_MOST = 4 * RACE_THREADS,
	THREADS_STARTED = 150,
};

/* content -> its number, as the first that was given it says. */
static _Atomic uint32_t code_of[CONTENTS];
static _Atomic uint32_t newest_node;
static _Atomic uint32_t disagreements;
static _Atomic bool occupied[SLOTS_MOST];

struct node {
	uint32_t parent, code;
	int32_t instr;
};

struct model {
	uint32_t codes, nodes;
	bool data_of_node;
	size_t data_left;
	struct node *node; /* by number - 1 */
};

static uint32_t code(uint32_t thread, uint64_t dice)
{
	uint32_t content = (dice >> 8) % CONTENTS;
	uintptr_t address = 0x10000 * (thread + 1) + 16 * (dice % ADDRESSES);
	const void *place = (const void *)address;
	char name[64] = {0};
	enum code_traits traits;
	int len = snprintf(name, sizeof(name), "function_%u", content);
	struct code_text text = {.file = "file.py",
				 .name = name,
				 .linetable = name,
				 .file_bytes = 7,
				 .name_bytes = (size_t)len,
				 .linetable_bytes = content % sizeof(name),
				 .first_line = (int32_t)content};
	uint32_t id = intern_find_code(place, &traits);

	/* It was another's, which is gone: an address has one content at a time. */
	if (id)
		intern_forget_code(place);
	id = intern_add_code(place, &text, 0);
	uint32_t known = 0;

	if (!atomic_compare_exchange_strong(&code_of[content], &known, id) && known != id)
		atomic_fetch_add(&disagreements, 1);
	return id;
}

static void *define(void *argument)
{
	uint32_t thread = (uint32_t)(uintptr_t)argument;
	uint64_t dice = race_seed(thread);

	for (uint32_t i = 0; i < race_rounds(ROUNDS); i++) {
		uint32_t newest = atomic_load(&newest_node);
		uint32_t parent = newest ? race_next(&dice) % (newest + 1) : 0;
		bool fresh;
		uint32_t id = intern_node(parent, code(thread, race_next(&dice)),
					  (int32_t)(dice % INSTRS), &fresh);

		while (newest < id && !atomic_compare_exchange_weak(&newest_node, &newest, id))
			;
		ring_put(record_head(R_ALLOC_MALLOC, dice), id);
	}
	return NULL;
}

static void take_data(struct race_reader *reader, const struct record *record)
{
	struct model *model = reader->model;

	race_check(reader, model->data_left, "data without a definition");
	if (model->data_of_node)
		model->node[model->nodes - 1].instr = (int32_t)record_a(record);
	model->data_left--;
}

static void take_code(struct race_reader *reader, const struct record *record)
{
	struct model *model = reader->model;
	uint32_t whole = record_low(record), offset = record_high(record);
	uint32_t slots = (uint32_t)(record_a(record) >> 32);

	race_check(reader, (uint32_t)record_a(record) == STREAM_CODE_FIRST + model->codes,
		   "code %lu comes out of order", (unsigned long)record_a(record));
	race_check(reader, offset == 0 && whole <= slots * STREAM_DATA_BYTES,
		   "a text of %u bytes in %u slots", whole, slots);
	model->codes++;
	model->data_of_node = false;
	model->data_left = slots;
}

static void take_node(struct race_reader *reader, const struct record *record)
{
	struct model *model = reader->model;
	struct node *node = &model->node[model->nodes++];

	*node = (struct node){.parent = record_low(record), .code = record_high(record)};
	race_check(reader, record_a(record) == model->nodes, "node %lu comes out of order",
		   (unsigned long)record_a(record));
	race_check(reader, node->parent < model->nodes, "its parent isn't defined");
	race_check(reader, node->code < STREAM_CODE_FIRST + model->codes,
		   "its code isn't defined");
	model->data_of_node = true;
	model->data_left = 1;
}

static void take(struct race_reader *reader, const struct record *record)
{
	struct model *model = reader->model;
	enum record_kind kind = record_kind(record);

	if (kind == R_DATA) {
		take_data(reader, record);
		return;
	}
	race_check(reader, !model->data_left, "a definition was torn");
	if (kind == R_CODE)
		take_code(reader, record);
	else if (kind == R_NODE)
		take_node(reader, record);
	else
		race_check(reader, record_low(record) <= model->nodes,
			   "node %u is used before it is defined", record_low(record));
}

static int compare_nodes(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct node));
}

static void test_definitions(void **state)
{
	static struct model model;
	struct race_reader reader = {.take = take, .model = &model};

	(void)state;
	/* Each round defines one node at most. */
	size_t most = (size_t)RACE_THREADS * race_rounds(ROUNDS);

	model.node = calloc(most, sizeof(*model.node));
	assert_true(race_begin(&reader, 0));
	race_run(define);
	race_end(&reader);
	assert_string_equal(reader.wrong, "");
	assert_int_equal(disagreements, 0);
	assert_in_range(model.codes, 1, CONTENTS);
	assert_in_range(model.nodes, most / 2, most);
	/* None was defined twice. */
	qsort(model.node, model.nodes, sizeof(*model.node), compare_nodes);
	for (uint32_t i = 1; i < model.nodes; i++)
		assert_int_not_equal(compare_nodes(&model.node[i - 1], &model.node[i]), 0);
	free(model.node);
}

static void *live_shortly(void *argument)
{
	(void)argument;
	if (!thread_enter())
		return NULL;
	struct thread *self = thread_self();

	if (self->slot >= SLOTS_MOST || atomic_exchange(&occupied[self->slot], true)) {
		atomic_fetch_add(&disagreements, 1);
		return NULL;
	}
	for (int i = 0; i < 20; i++) {
		atomic_store(&self->walking, true);
		sched_yield();
		atomic_store(&self->walking, false);
		/* Not in its own walk: two would wait for each other. */
		thread_wait_for_walks(self);
	}
	atomic_store(&occupied[self->slot], false);
	thread_leave();
	return NULL;
}

static void pass_over(struct race_reader *reader, const struct record *record)
{
	enum record_kind kind = record_kind(record);

	race_check(reader, kind == R_THREAD || kind == R_THREAD_STACK || kind == R_DATA,
		   "a record of kind %d", kind);
}

static void *start_threads(void *argument)
{
	pthread_t thread;

	for (int i = 0; i < THREADS_STARTED; i++)
		if (!pthread_create(&thread, NULL, live_shortly, argument))
			pthread_join(thread, NULL);
	return NULL;
}

static void test_slots_of_threads(void **state)
{
	struct race_reader reader = {.take = pass_over};

	(void)state;
	disagreements = 0;
	assert_true(race_begin(&reader, 0));
	race_run(start_threads);
	race_end(&reader);
	assert_string_equal(reader.wrong, "");
	/* No two at once have the same, and those of the dead are used again. */
	assert_int_equal(disagreements, 0);
}

enum { ARENAS = 40, ARENA_BYTES = 1 << 18 };

static uint64_t arena_address(uint32_t thread, uint32_t number)
{
	return (uint64_t)(1 + number * RACE_THREADS + thread) * ARENA_BYTES;
}

/* An owner's arenas come and go with its GIL held: each thread is one. */
static void *own_arenas(void *argument)
{
	uint32_t thread = (uint32_t)(uintptr_t)argument;
	bool mine[ARENAS] = {false};
	uint64_t dice = race_seed(thread);

	for (uint32_t i = 0; i < race_rounds(ROUNDS) / 4; i++) {
		uint32_t number = race_next(&dice) % ARENAS;
		struct arena arena = {.address = arena_address(thread, number),
				      .bytes = ARENA_BYTES,
				      .owner = thread};

		if ((mine[number] = !mine[number]))
			arenas_add(arena);
		else
			arenas_remove(arena.address);
		uint64_t above = 0;

		for (uint32_t n = 0; n < ARENAS; n++) {
			if (!mine[n])
				continue;
			if (!arenas_next(thread, above, &arena) ||
			    arena.address != arena_address(thread, n))
				atomic_fetch_add(&disagreements, 1);
			above = arena_address(thread, n);
		}
		if (arenas_next(thread, above, &arena))
			atomic_fetch_add(&disagreements, 1);
	}
	return NULL;
}

static void test_arenas_of_owners(void **state)
{
	(void)state;
	disagreements = 0;
	race_run(own_arenas);
	assert_int_equal(disagreements, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definitions),
		cmocka_unit_test(test_slots_of_threads),
		cmocka_unit_test(test_arenas_of_owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

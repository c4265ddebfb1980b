/* Many threads write single records and groups into a ring that is full most of the time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "race_reader.h"

enum { ROUNDS = 60000, LONGEST = 700, NUMBER_BITS = 32 };

/* What thread and number say that an item holds. */
static uint64_t mixed(uint64_t thread, uint64_t number)
{
	return (thread << NUMBER_BITS | number) * 0x9e3779b97f4a7c15ULL;
}

static size_t length_of(uint64_t thread, uint64_t number)
{
	return 1 + mixed(thread, number) % LONGEST;
}

static uint8_t byte_of(uint64_t thread, uint64_t number, size_t at)
{
	return (uint8_t)(mixed(thread, number) >> 8 * (at % 7)) ^ (uint8_t)at;
}

static void put_item(uint64_t thread, uint64_t number)
{
	uint64_t a = thread << NUMBER_BITS | number, body = mixed(thread, number);
	uint8_t bytes[LONGEST];
	size_t len = length_of(thread, number);

	for (size_t i = 0; i < len || i < STREAM_DATA_BYTES; i++)
		bytes[i] = byte_of(thread, number, i);
	if (number % 8 == 7)
		ring_put_group(record_head(R_INFO, a), body, bytes, len);
	else if (number % 8 == 3)
		ring_put_with(record_head(R_NODE, a), body, bytes);
	else
		ring_put(record_head(R_FREE, a), body);
}

static void *work(void *argument)
{
	uint64_t thread = (uintptr_t)argument;

	for (uint32_t number = 0; number < race_rounds(ROUNDS); number++)
		put_item(thread, number);
	return NULL;
}

struct model {
	uint64_t next[RACE_THREADS];
	uint64_t thread, number;
	size_t len, done; /* of the group that is being read */
};

static void take_data(struct race_reader *reader, const struct record *record)
{
	struct model *model = reader->model;
	uint64_t words[2] = {record_a(record), record->body};
	uint8_t bytes[STREAM_DATA_BYTES];

	memcpy(bytes, &words[0], 6);
	memcpy(bytes + 6, &words[1], 8);
	race_check(reader, model->done < model->len, "data without a group at %lu",
		   (unsigned long)reader->position);
	for (size_t i = 0; i < sizeof(bytes) && model->done < model->len; i++, model->done++)
		race_check(reader,
			   bytes[i] == byte_of(model->thread, model->number, model->done),
			   "byte %zu of item %lu differs", model->done,
			   (unsigned long)model->number);
}

static void take(struct race_reader *reader, const struct record *record)
{
	struct model *model = reader->model;

	if (record_kind(record) == R_DATA) {
		take_data(reader, record);
		return;
	}
	race_check(reader, model->done == model->len, "a group was torn at %lu",
		   (unsigned long)reader->position);
	model->thread = record_a(record) >> NUMBER_BITS;
	model->number = (uint32_t)record_a(record);
	race_check(reader, model->thread < RACE_THREADS, "no such thread");
	if (reader->wrong[0])
		return;
	race_check(reader, model->number == model->next[model->thread]++,
		   "thread %lu: item %lu is out of order", (unsigned long)model->thread,
		   (unsigned long)model->number);
	race_check(reader, record->body == mixed(model->thread, model->number),
		   "the body of item %lu differs", (unsigned long)model->number);
	model->done = 0;
	model->len = record_kind(record) == R_INFO   ? length_of(model->thread, model->number)
		     : record_kind(record) == R_NODE ? STREAM_DATA_BYTES
						     : 0;
}

static void test_everything_arrives_once_and_in_order(void **state)
{
	static struct model model;
	struct race_reader reader = {.take = take, .model = &model};

	(void)state;
	assert_true(race_begin(&reader, 0));
	race_run(work);
	race_end(&reader);
	assert_string_equal(reader.wrong, "");
	assert_int_equal(model.done, model.len);
	for (int i = 0; i < RACE_THREADS; i++)
		assert_int_equal(model.next[i], race_rounds(ROUNDS));
	assert_false(ring_given_up());
	/* Otherwise nobody ever waited, and the test says little. */
	assert_true(reader.position > 10 * ring.capacity);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_arrives_once_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

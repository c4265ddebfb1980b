/*
 * race_blocks.h - an allocator of addresses that many threads take and give back, and what a
 * reader of the stream must find of it: each block made before it is freed, once, and at the
 * end those live that are.
 */
#ifndef MEMTRACE_RACE_BLOCKS_H
#define MEMTRACE_RACE_BLOCKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "race_reader.h"

enum {
	/* Few: several for each slot of the cancelling table, and the same again and again. */
	RACE_BLOCKS = 4096,
	RACE_SHELVES = 512,
	RACE_STACKS = 64,
};
#define RACE_FIRST_ADDRESS 0x7f0000000000ULL

/* A block is had by whoever sets it. */
static _Atomic bool race_taken[RACE_BLOCKS];
static _Atomic uint32_t race_shelves[RACE_SHELVES]; /* block + 1 */

static inline uint64_t race_address(uint32_t block)
{
	return RACE_FIRST_ADDRESS + 16 * (uint64_t)block;
}

static inline uint32_t race_block(uint64_t address)
{
	return (uint32_t)((address - RACE_FIRST_ADDRESS) / 16);
}

/* False: another has it. Acquire: pairs with the release of whoever gave it back. */
static inline bool race_take(uint32_t block)
{
	return !atomic_exchange_explicit(&race_taken[block], true, memory_order_acquire);
}

static inline void race_give_back(uint32_t block)
{
	atomic_store_explicit(&race_taken[block], false, memory_order_release);
}

/* Puts one there and takes what was there: true, and it is the caller's to free. */
static inline bool race_swap(uint32_t shelf, uint32_t block, uint32_t *ret_other)
{
	uint32_t other = atomic_exchange(&race_shelves[shelf % RACE_SHELVES], block + 1);

	if (other)
		*ret_other = other - 1;
	return other != 0;
}

struct race_model {
	uint32_t live[RACE_BLOCKS]; /* stack */
	uint32_t old
		[RACE_STACKS]; /* by slot of the thread: of the block that it freed to resize */
	uint64_t allocations, pairs;
};

static inline void race_model_free(struct race_reader *reader, const struct record *record)
{
	struct race_model *model = reader->model;
	uint32_t *live = &model->live[race_block(record_a(record))];
	uint32_t thread = record_high(record) >> 8;

	race_check(reader, *live, "block %#lx is freed twice", (unsigned long)record_a(record));
	race_check(reader, thread < RACE_STACKS, "no such thread: %u", thread);
	if (record_high(record) & F_REALLOC && thread < RACE_STACKS)
		model->old[thread] = *live;
	*live = 0;
}

static inline void race_model_block(struct race_reader *reader, const struct record *record)
{
	struct race_model *model = reader->model;
	enum record_kind kind = record_kind(record);
	uint64_t address = record_a(record);
	uint32_t block = race_block(address);

	race_check(reader, address >= RACE_FIRST_ADDRESS && block < RACE_BLOCKS,
		   "no such block: %#lx", (unsigned long)address);
	if (reader->wrong[0])
		return;
	if (kind == R_FREE) {
		race_model_free(reader, record);
	} else if (kind == R_RETAG) {
		race_check(reader, model->live[block], "block %u is used when free", block);
		model->live[block] = record_low(record);
	} else if (kind == R_RESTORE) {
		race_check(reader, !model->live[block], "block %u was not freed", block);
		model->live[block] = model->old[record_low(record) % RACE_STACKS];
	} else {
		race_check(reader, !model->live[block], "block %u is made twice", block);
		model->live[block] = record_low(record);
		model->allocations++;
	}
}

/* Definitions and marks are passed over. */
static inline void race_model_take(struct race_reader *reader, const struct record *record)
{
	struct race_model *model = reader->model;

	switch (record_kind(record)) {
	case R_ALLOC_MALLOC:
	case R_ALLOC_MEM:
	case R_SMALL_MEM:
	case R_SMALL_OBJECT:
	case R_FREE:
	case R_RESTORE:
	case R_RETAG:
		race_model_block(reader, record);
		break;
	case R_TEMP:
	case R_TEMP_BY:
		model->pairs += record->body >> 40;
		break;
	default:
		break;
	}
}

/* Begins anew, with nothing live. */
static inline void race_blocks_begin(struct race_reader *reader, struct race_model *model)
{
	*model = (struct race_model){0};
	*reader = (struct race_reader){.take = race_model_take, .model = model};
	for (int i = 0; i < RACE_BLOCKS; i++)
		atomic_store(&race_taken[i], false);
	for (int i = 0; i < RACE_SHELVES; i++)
		atomic_store(&race_shelves[i], 0);
	assert_true(race_begin(reader, 0));
}

/* When all has been sent. */
static inline void race_blocks_end(struct race_reader *reader)
{
	const struct race_model *model = reader->model;

	race_end(reader);
	assert_string_equal(reader->wrong, "");
	for (uint32_t block = 0; block < RACE_BLOCKS; block++)
		assert_int_equal(!!model->live[block], race_taken[block]);
}

#endif

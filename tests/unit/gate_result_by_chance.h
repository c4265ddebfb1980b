/*
 * gate_result_by_chance.h - results of a gate as no program makes them, from a seed: names of
 * every kind of character, figures of every size.
 */
#ifndef TESTS_GATE_RESULT_BY_CHANCE_H
#define TESTS_GATE_RESULT_BY_CHANCE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/mem.h"
#include "../../reporter/gate.h"
#include "xorshift.h"

static inline struct gate_measure measure_of(double median, double mad, unsigned runs)
{
	return (struct gate_measure){.median = median, .mad = mad, .runs = runs};
}

/* What a gate makes of a Python on this machine. */
static inline struct gate_environment environment_by_hand(void)
{
	return (struct gate_environment){
		.python = mem_text("3.11.2"),
		.abi = mem_text("cp311"),
		.arch = mem_text("x86_64"),
		.libc = mem_text("glibc 2.36"),
		.allocator = mem_text("pymalloc"),
		.mode = mem_text("exact"),
		.hash_seed = mem_text("0"),
		.arena_bytes = 1 << 20,
	};
}

/* A site in place; its line is the third of a file. */
static inline void site_init(struct gate_site *site, const char *key, double bytes,
			     double blocks)
{
	const char *last = strrchr(key, ' ');
	*site = (struct gate_site){
		.key = mem_text(key),
		.frames = mem_alloc(sizeof site->frames[0]),
		.frame_count = 1,
		.live_bytes = measure_of(bytes, 0, 1),
		.live_blocks = measure_of(blocks, 0, 1),
	};
	site->frames[0] = (struct gate_frame){
		.function = mem_text(last ? last + 1 : key),
		.file = mem_text("app.py"),
		.line = 3,
	};
}

static inline struct gate_measure measure_by_chance(uint64_t *seed)
{
	const unsigned magnitude = 11 + (unsigned)(xorshift(seed) % 50);
	const double median = (double)(xorshift(seed) >> magnitude) / 7;
	const bool is_steady = xorshift(seed) % 2;
	const double mad = is_steady ? 0 : (double)(xorshift(seed) % 100000) / 7;
	return measure_of(median, mad, 1 + (unsigned)(xorshift(seed) % 5));
}

/* Distinct, for the number is in it, where what is odd can be written at all. */
static inline void odd_key(uint64_t *seed, size_t number, char *ret_key, size_t size)
{
	static const char *const odd[] = {
		"main > Store.put",
		"\"\\\n\t\x01\x7f",
		"\xf0\x9f\x90\x8d > <lambda>",
		"{\"a\":1}",
		"\xff\xfe",
		"\xed\xa0\x80",
		"f.<locals>.g",
		"",
	};
	const char *outer = odd[xorshift(seed) % 8];
	const char *inner = odd[xorshift(seed) % 8];
	snprintf(ret_key, size, "%s%zu > %s", outer, number, inner);
}

static inline struct gate_result result_by_chance(uint64_t *seed, size_t site_count)
{
	struct gate_result result = {
		.environment = environment_by_hand(),
		.sites = mem_alloc(site_count * sizeof result.sites[0]),
		.site_count = site_count,
	};
	for (int i = 0; i < GATE_METRIC_COUNT; i++)
		if (xorshift(seed) % 4)
			result.metrics[i] = measure_by_chance(seed);
	for (size_t i = 0; i < site_count; i++) {
		char key[80];
		odd_key(seed, i, key, sizeof key);
		site_init(&result.sites[i], key, 0, 0);
		result.sites[i].live_bytes = measure_by_chance(seed);
		result.sites[i].live_blocks = measure_by_chance(seed);
	}
	return result;
}

#endif

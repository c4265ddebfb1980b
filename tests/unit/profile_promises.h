/*
 * profile_promises.h - what profile_read.h promises of any profile that it opens, whatever
 * its bytes were. Touches every item, so that a wrong count or a stale pointer shows under
 * ASan. For test_profile and the fuzzer. Promises are kept with assert: a broken one aborts.
 */
#ifndef MEMTRACE_TESTS_PROFILE_PROMISES_H
#define MEMTRACE_TESTS_PROFILE_PROMISES_H

#undef NDEBUG
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../collector/mem.h"
#include "../../collector/profile_read.h"

static void promise_text(const struct profile *p, uint32_t offset)
{
	assert(offset < p->strings_bytes);
	assert(strlen(profile_text(p, offset)) < p->strings_bytes - offset);
}

static void promise_definitions(const struct profile *p)
{
	assert(p->strings_bytes && !p->strings[0] && !p->strings[p->strings_bytes - 1]);
	assert(!p->info_bytes || !p->info[p->info_bytes - 1]);
	profile_info(p, "python");
	for (size_t i = 0; i < p->code_count; i++) {
		const struct profile_code *code = &p->codes[i];

		promise_text(p, code->file);
		promise_text(p, code->name);
		assert(code->linetable_kind <= LINETABLE_LOCATIONS);
		assert(code->linetable_offset <= p->linetables_bytes);
		assert(code->linetable_bytes <= p->linetables_bytes - code->linetable_offset);
	}
	for (size_t i = 0; i < p->node_count; i++) {
		assert(p->nodes[i].parent <= i);
		assert(p->nodes[i].code < STREAM_CODE_FIRST ||
		       profile_code_of(p, &p->nodes[i]));
		profile_line(p, &p->nodes[i]);
	}
	for (size_t i = 0; i < p->thread_count; i++)
		promise_text(p, p->threads[i].name);
}

static void promise_figures(const struct profile *p)
{
	__attribute__((cleanup(mem_scope))) uint64_t *bytes = NULL, *blocks = NULL;

	bytes = mem_alloc((p->node_count + 1) * sizeof(*bytes));
	blocks = mem_alloc((p->node_count + 1) * sizeof(*blocks));
	for (size_t i = 0; i < p->site_count; i++) {
		assert(p->sites[i].stack <= p->node_count);
		assert(!i || p->sites[i].stack > p->sites[i - 1].stack);
	}
	for (size_t i = 0; i < p->change_count; i++)
		assert(p->changes[i].stack <= p->node_count);
	for (size_t i = 0; i < p->mark_count; i++) {
		promise_text(p, p->marks[i].name);
		promise_text(p, p->marks[i].base);
		assert(p->marks[i].change_start <= p->change_count);
		assert(p->marks[i].change_count <= p->change_count - p->marks[i].change_start);
		if (i < 4)
			profile_live_at(p, i, bytes, blocks);
	}
	profile_live_at(p, SIZE_MAX, bytes, blocks);
}

static void promise_residents(const struct profile *p)
{
	for (size_t i = 0; i < p->resident_count; i++)
		assert(!i || p->residents[i].time_ns >= p->residents[i - 1].time_ns);
	for (size_t i = 0; i < p->mapped_count; i++) {
		assert(p->mapped[i].part < RESIDENT_PARTS);
		assert(p->mapped[i].stack <= p->node_count ||
		       p->mapped[i].stack == STREAM_OTHER_STACKS);
	}
}

static void promise_points(const struct profile *p)
{
	for (size_t i = 0; i < p->point_count; i++) {
		const struct profile_point *point = &p->points[i];

		assert(!i || point->time_ms >= point[-1].time_ms);
		assert(point->change_start <= p->point_change_count);
		assert(point->change_count <= p->point_change_count - point->change_start);
	}
	for (size_t i = 0; i < p->freed_count; i++) {
		assert(p->frees[i].stack <= p->node_count);
		assert(p->frees[i].by <= p->node_count ||
		       p->frees[i].by == PROFILE_OTHER_STACKS);
	}
	for (size_t i = 0; i < p->lifetime_count; i++) {
		assert(p->lifetimes[i].stack <= p->node_count);
		assert(!i || p->lifetimes[i].stack > p->lifetimes[i - 1].stack);
	}
	for (size_t i = 0; i < p->point_change_count; i++)
		assert(p->point_changes[i].stack <= p->node_count);
}

static void promise_pins(const struct profile *p)
{
	uint64_t blocks = 0, bytes = 0;

	for (size_t i = 0; i < p->pin_count; i++) {
		const struct profile_pin *pin = &p->pins[i];

		assert(pin->arena < p->arena_count && pin->stack <= p->node_count);
		assert(!i || pin->arena >= pin[-1].arena);
		assert(pin->oldest <= pin->newest && pin->newest < p->window_count);
		blocks += pin->blocks;
		bytes += pin->bytes;
	}
	for (size_t i = 0; p->pin_count && i < p->arena_count; i++) {
		blocks -= p->arenas[i].live_blocks;
		bytes -= p->arenas[i].live_bytes;
	}
	assert(!p->pin_count || (blocks == 0 && bytes == 0));
}

static void promise_audits(const struct profile *p)
{
	for (size_t i = 0; i < p->audit_count; i++) {
		const struct profile_audit *a = &p->audits[i];

		assert(a->mark < p->mark_count || a->mark == PROFILE_PEAK);
		assert(!i || a->mark >= a[-1].mark);
		assert(a->differing_arenas <= a->arenas && a->differing_pools <= a->pools &&
		       a->differing_blocks <= a->blocks);
	}
	for (size_t i = 0; i < p->difference_count; i++)
		assert(p->differences[i].audit < p->audit_count);
}

static void promise_arena_marks(const struct profile *p)
{
	for (size_t i = 0; i < p->arena_mark_count; i++) {
		const struct profile_arena_mark *a = &p->arena_marks[i];

		assert(a->mark < p->mark_count || a->mark == PROFILE_PEAK);
		assert(!i || a->mark > a[-1].mark ||
		       (a->mark == a[-1].mark && a->address > a[-1].address));
		assert(a->live_bytes <= a->block_bytes && a->block_bytes <= a->bytes);
		assert(a->bytes <= UINT64_MAX - a->address);
		assert(a->holder_count <= PROFILE_MARK_HOLDERS);
		assert(a->holder_start <= p->holder_count &&
		       a->holder_count <= p->holder_count - a->holder_start);
	}
	for (size_t i = 0; i < p->holder_count; i++) {
		assert(p->holders[i].stack <= p->node_count);
		assert(p->holders[i].oldest <= p->holders[i].newest &&
		       p->holders[i].newest < p->window_count);
	}
	for (size_t i = 0; i < p->mark_class_count; i++) {
		const struct profile_mark_class *c = &p->mark_classes[i];

		assert(c->mark < p->mark_count || c->mark == PROFILE_PEAK);
		assert(c->class >= 1 && c->class <= 32);
		assert(!i || c->mark > c[-1].mark ||
		       (c->mark == c[-1].mark && c->class > c[-1].class));
	}
}

static void promise_map(const struct profile *p)
{
	uint32_t pool = p->run.pool_bytes;

	assert(p->window_count > 0);
	assert((pool & (pool - 1)) == 0);
	for (size_t i = 0; i < p->arena_count; i++) {
		const struct profile_arena *a = &p->arenas[i];

		assert(a->stack <= p->node_count && a->window < p->window_count);
		assert(a->bytes <= UINT64_MAX - a->address);
		assert(!i || a->address >= a[-1].address + a[-1].bytes);
	}
	for (size_t i = 0; i < p->pool_count; i++) {
		assert(p->pools[i].class >= 1 && p->pools[i].class <= 32);
		assert(!i || p->pools[i].address > p->pools[i - 1].address);
	}
	promise_points(p);
	promise_residents(p);
	promise_pins(p);
	promise_audits(p);
	promise_arena_marks(p);
	for (size_t i = 0; i < p->mapping_count; i++) {
		const struct profile_mapping *m = &p->mappings[i];

		assert(m->stack <= p->node_count && m->window < p->window_count);
		assert(m->bytes <= UINT64_MAX - m->address);
		assert(!i || m->address >= m[-1].address + m[-1].bytes);
	}
}

static void promise_blocks(const struct profile *p)
{
	for (size_t i = 0; i < p->block_count; i++) {
		assert(p->blocks[i].stack <= p->node_count);
		assert(p->blocks[i].window < p->window_count && p->blocks[i].domain < 4);
		assert(!i || p->blocks[i].address >= p->blocks[i - 1].address);
	}
}

static bool is_sentence(const char *text, const char *path)
{
	return !strncmp(text, path, strlen(path)) && strstr(text, " at offset ") &&
	       !strchr(text, '\n');
}

/* A section that can be verified can be read, and the other way round. */
static void promise_sections(const struct profile *p)
{
	for (size_t i = 0; i < p->section_count; i++) {
		struct err err;
		struct buf raw;

		buf_init(&raw);
		assert(section_read(&p->source, &p->sections[i], &raw, &err) ==
		       section_verify(&p->source, &p->sections[i], &err));
		buf_release(&raw);
	}
}

/* Opens, checks and closes. Returns how many sentences of trouble there were. */
static size_t promises_kept(const char *path, const void *bytes, size_t len)
{
	struct profile *p;
	struct err err = {""};
	size_t troubles;

	if (profile_parse(path, bytes, len, &p, &err)) {
		assert(is_sentence(err.text, path));
		return 1;
	}
	promise_definitions(p);
	promise_figures(p);
	promise_map(p);
	troubles = profile_load_blocks(p, &err) ? 1 : 0;
	assert(!troubles || (is_sentence(err.text, path) && !p->block_count));
	promise_blocks(p);
	promise_sections(p);
	for (size_t i = 0; i < p->problem_count; i++)
		assert(is_sentence(p->problems[i], path));
	troubles += p->problem_count;
	profile_free(p);
	return troubles;
}

#endif

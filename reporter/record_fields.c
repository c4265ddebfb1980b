#include "record_fields.h"

#include <stdio.h>
#include <string.h>

#include "../collector/mem.h"

static const char *const kind_names[R_KIND_LIMIT] = {
	[R_NONE] = "NONE",
	[R_DATA] = "DATA",
	[R_ALLOC_MALLOC] = "ALLOC_MALLOC",
	[R_ALLOC_MEM] = "ALLOC_MEM",
	[R_ALLOC_OBJECT] = "ALLOC_OBJECT",
	[R_SMALL_MEM] = "SMALL_MEM",
	[R_SMALL_OBJECT] = "SMALL_OBJECT",
	[R_FREE] = "FREE",
	[R_RESTORE] = "RESTORE",
	[R_TEMP] = "TEMP",
	[R_TEMP_BY] = "TEMP_BY",
	[R_MAP_ANON] = "MAP_ANON",
	[R_MAP_FILE] = "MAP_FILE",
	[R_UNMAP] = "UNMAP",
	[R_ARENA] = "ARENA",
	[R_ARENA_FREE] = "ARENA_FREE",
	[R_GC] = "GC",
	[R_NODE] = "NODE",
	[R_CHECK] = "CHECK",
	[R_CODE] = "CODE",
	[R_THREAD] = "THREAD",
	[R_INFO] = "INFO",
	[R_MARK] = "MARK",
	[R_EXEC] = "EXEC",
	[R_END] = "END",
	[R_RETAG] = "RETAG",
	[R_AUDIT] = "AUDIT",
	[R_AUDIT_ARENA] = "AUDIT_ARENA",
	[R_AUDIT_POOL] = "AUDIT_POOL",
	[R_AUDIT_END] = "AUDIT_END",
	[R_TICK] = "TICK",
	[R_LOST] = "LOST",
	[R_DIED] = "DIED",
	[R_COUNTS] = "COUNTS",
	[R_WAITING] = "WAITING",
	[R_STATE] = "STATE",
	[R_RESIDENT] = "RESIDENT",
	[R_MAPPED] = "MAPPED",
	[R_THREAD_STACK] = "THREAD_STACK",
};

void record_texts_init(struct record_texts *texts)
{
	for (size_t i = 0; i < sizeof texts->texts / sizeof texts->texts[0]; i++)
		stream_text_init(&texts->texts[i]);
}

void record_texts_release(struct record_texts *texts)
{
	for (size_t i = 0; i < sizeof texts->texts / sizeof texts->texts[0]; i++)
		stream_text_release(&texts->texts[i]);
}

/* `len` bytes as a text of their own. */
static void part_field(struct fields *fields, const char *key, const void *bytes, size_t len)
{
	__attribute__((cleanup(mem_scope))) char *text = mem_alloc(len + 1);
	memcpy(text, bytes, len);
	fields_text(fields, key, text);
}

static void code_fields(const struct buf *bytes, struct fields *fields)
{
	struct stream_code code;
	if (bytes->len < sizeof code)
		return;
	memcpy(&code, bytes->data, sizeof code);
	const uint8_t *at = bytes->data + sizeof code;
	size_t left = bytes->len - sizeof code;
	if (code.file_bytes > left || code.name_bytes > left - code.file_bytes)
		return;
	fields_i64(fields, "first_line", code.first_line);
	fields_u64(fields, "linetable_kind", code.linetable_kind);
	fields_u64(fields, "linetable_bytes", code.linetable_bytes);
	fields_u64(fields, "first_traced", code.first_traced);
	part_field(fields, "file", at, code.file_bytes);
	part_field(fields, "function", at + code.file_bytes, code.name_bytes);
}

static void thread_fields(const struct buf *bytes, struct fields *fields)
{
	struct stream_thread thread;
	if (bytes->len < sizeof thread)
		return;
	memcpy(&thread, bytes->data, sizeof thread);
	fields_u64(fields, "tid", thread.tid);
	part_field(fields, "name", bytes->data + sizeof thread, bytes->len - sizeof thread);
}

static void mark_fields(const struct buf *bytes, struct fields *fields)
{
	struct stream_mark mark;
	if (bytes->len < sizeof mark)
		return;
	memcpy(&mark, bytes->data, sizeof mark);
	fields_u64(fields, "time_ns", mark.time_ns);
	fields_known(fields, "rss_bytes", mark.rss_bytes);
	fields_known(fields, "pause_ns", mark.pause_ns);
	fields_u64(fields, "origin", mark.origin);
	fields_u64(fields, "number", mark.number);
	part_field(fields, "name", bytes->data + sizeof mark, bytes->len - sizeof mark);
}

void record_resident_fields(const struct stream_resident *resident, struct fields *fields)
{
	fields_u64(fields, "time_ns", resident->time_ns);
	fields_u64(fields, "mark_ns", resident->mark_ns);
	fields_u64(fields, "rss_bytes", resident->rss_bytes);
	fields_u64s(fields, "parts", resident->parts, RESIDENT_PARTS);
	fields_u64(fields, "swap_bytes", resident->swap_bytes);
	fields_u64(fields, "arena_live_bytes", resident->arena_live_bytes);
	fields_u64(fields, "arena_block_bytes", resident->arena_block_bytes);
	fields_u64(fields, "arena_header_bytes", resident->arena_header_bytes);
	fields_u64(fields, "heap_live_bytes", resident->heap_live_bytes);
	fields_u64(fields, "block_bytes", resident->block_bytes);
	fields_u64(fields, "cost_ns", resident->cost_ns);
	fields_u64(fields, "pss_bytes", resident->pss_bytes);
	fields_u64(fields, "cgroup_bytes", resident->cgroup_bytes);
	fields_u64(fields, "cgroup_cache_bytes", resident->cgroup_cache_bytes);
	fields_u64(fields, "cgroup_limit_bytes", resident->cgroup_limit_bytes);
	fields_u64(fields, "machine_bytes", resident->machine_bytes);
	fields_u64(fields, "machine_available_bytes", resident->machine_available_bytes);
}

void record_mapped_fields(const struct stream_mapped *mapped, struct fields *fields)
{
	fields_u64(fields, "time_ns", mapped->time_ns);
	fields_u64(fields, "bytes", mapped->bytes);
	fields_u64(fields, "resident_bytes", mapped->resident_bytes);
	fields_u64(fields, "stack", mapped->stack);
	fields_u64(fields, "part", mapped->part);
}

static void text_fields(struct record_texts *texts, const struct record *r,
			struct fields *fields)
{
	const enum record_kind kind = record_kind(r);
	const size_t index = (size_t)kind - R_CODE;
	struct stream_text *text = &texts->texts[index];
	struct err err;
	fields_u64(fields, "id", record_a(r) & 0xffffffff);
	fields_u64(fields, "length", record_low(r));
	fields_u64(fields, "offset", record_high(r));
	const int complete = stream_text_add(text, r, &err);
	if (complete < 0)
		fields_text(fields, "problem", err.text);
	if (complete <= 0)
		return;
	if (kind == R_CODE)
		code_fields(&text->bytes, fields);
	else if (kind == R_THREAD)
		thread_fields(&text->bytes, fields);
	else if (kind == R_MARK)
		mark_fields(&text->bytes, fields);
	else
		part_field(fields, "text", text->bytes.data, text->bytes.len);
}

static void node_fields(const struct record *r, struct fields *fields)
{
	int32_t instr;
	stream_payload(r, sizeof instr, &instr);
	fields_u64(fields, "id", record_a(r) & 0xffffffff);
	fields_u64(fields, "parent", record_low(r));
	fields_u64(fields, "code", record_high(r));
	fields_i64(fields, record_high(r) == STREAM_CODE_THREAD ? "thread" : "instr", instr);
}

static void alloc_fields(const struct record *r, size_t slots, struct fields *fields)
{
	uint64_t bytes = record_high(r);
	if (bytes == STREAM_SIZE_WIDE && slots > 1)
		stream_payload(r, sizeof bytes, &bytes);
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "bytes", bytes);
	fields_u64(fields, "stack", record_low(r));
}

static void small_fields(const struct record *r, struct fields *fields)
{
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "bytes", record_high(r) & 0xffff);
	fields_u64(fields, "class", record_high(r) >> 16 & 0xff);
	fields_u64(fields, "stack", record_low(r));
}

static void free_fields(const struct record *r, struct fields *fields)
{
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "stack", record_low(r));
	fields_u64(fields, "flags", record_high(r) & 0xff);
	fields_u64(fields, "thread", record_high(r) >> 8);
}

static void pairs_fields(const struct record *r, struct fields *fields)
{
	uint32_t by[2];
	fields_u64(fields, "stack", record_a(r));
	fields_u64(fields, "bytes", r->body & 0xffffffffffULL);
	fields_u64(fields, "pairs", r->body >> 40);
	if (record_kind(r) != R_TEMP_BY)
		return;
	stream_payload(r, sizeof by, by);
	fields_u64(fields, "by", by[0]);
	fields_u64(fields, "flags", by[1]);
}

static void map_fields(const struct record *r, struct fields *fields)
{
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "bytes", (uint64_t)record_high(r) * 4096);
	fields_u64(fields, "stack", record_low(r));
}

static void arena_fields(const struct record *r, struct fields *fields)
{
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "bytes", record_high(r));
	fields_u64(fields, "stack", record_low(r));
}

static void retag_fields(const struct record *r, struct fields *fields)
{
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "stack", record_low(r));
}

/* The bits as hexadecimal bytes, the pool's first block in the lowest bit of the first. */
static void audit_pool_fields(const struct record *r, size_t slots, struct fields *fields)
{
	uint8_t bits[UINT8_MAX * STREAM_DATA_BYTES];
	char text[2 * sizeof bits + 1] = "";
	const size_t len = (slots - 1) * STREAM_DATA_BYTES;
	stream_payload(r, len, bits);
	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", bits[i]);
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "class", record_low(r) & 0xff);
	fields_u64(fields, "blocks", record_low(r) >> 8 & 0xffff);
	if (len)
		fields_text(fields, "live", text);
}

static void audit_fields(const struct record *r, size_t slots, struct fields *fields)
{
	switch (record_kind(r)) {
	case R_AUDIT_ARENA:
		fields_address(fields, "address", record_a(r));
		fields_u64(fields, "bytes", record_high(r));
		fields_u64(fields, "pools", record_low(r));
		break;
	case R_AUDIT_POOL:
		audit_pool_fields(r, slots, fields);
		break;
	default:
		fields_u64(fields, "mark", record_a(r));
		fields_u64(fields, record_kind(r) == R_AUDIT ? "interpreter" : "pause_ns",
			   r->body);
		break;
	}
}

static void other_fields(const struct record *r, struct fields *fields)
{
	fields_u64(fields, "a", record_a(r));
	fields_u64(fields, "b", r->body);
}

static void thread_stack_fields(const struct record *r, struct fields *fields)
{
	fields_address(fields, "address", record_a(r));
	fields_u64(fields, "slot", record_low(r));
}

static void body_fields(struct record_texts *texts, const struct record *r, size_t slots,
			struct fields *fields)
{
	if (stream_record_slots(r) != slots) {
		other_fields(r, fields);
		return;
	}
	switch (record_kind(r)) {
	case R_ALLOC_MALLOC:
	case R_ALLOC_MEM:
	case R_ALLOC_OBJECT:
	case R_WAITING:
		alloc_fields(r, slots, fields);
		break;
	case R_SMALL_MEM:
	case R_SMALL_OBJECT:
		small_fields(r, fields);
		break;
	case R_FREE:
		free_fields(r, fields);
		break;
	case R_RETAG:
		retag_fields(r, fields);
		break;
	case R_TEMP:
	case R_TEMP_BY:
		pairs_fields(r, fields);
		break;
	case R_MAP_ANON:
	case R_MAP_FILE:
	case R_UNMAP:
		map_fields(r, fields);
		break;
	case R_ARENA:
	case R_ARENA_FREE:
		arena_fields(r, fields);
		break;
	case R_THREAD_STACK:
		thread_stack_fields(r, fields);
		break;
	case R_NODE:
		node_fields(r, fields);
		break;
	case R_AUDIT:
	case R_AUDIT_ARENA:
	case R_AUDIT_POOL:
	case R_AUDIT_END:
		audit_fields(r, slots, fields);
		break;
	case R_RESIDENT:
		if (slots > STREAM_RESIDENT_SLOTS) {
			struct stream_resident resident;
			stream_payload(r, sizeof resident, &resident);
			record_resident_fields(&resident, fields);
		}
		break;
	case R_MAPPED:
		if (slots > STREAM_MAPPED_SLOTS) {
			struct stream_mapped mapped;
			stream_payload(r, sizeof mapped, &mapped);
			record_mapped_fields(&mapped, fields);
		}
		break;
	case R_CODE:
	case R_THREAD:
	case R_INFO:
	case R_MARK:
		text_fields(texts, r, fields);
		break;
	default:
		other_fields(r, fields);
		break;
	}
}

void record_fields(struct record_texts *texts, const struct record *r, size_t slots,
		   uint64_t position, struct fields *fields)
{
	const enum record_kind kind = record_kind(r);
	const char *name = kind_names[kind];
	fields_begin(fields, "RECORD");
	fields_u64(fields, "position", position);
	fields_text(fields, "kind", name ? name : "unknown");
	body_fields(texts, r, slots, fields);
	fields_end(fields);
}

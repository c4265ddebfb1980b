#include "stream_read.h"

#include <string.h>

enum {
	SMALL_MOST_BYTES = 512,
	SMALL_CLASSES = 32,
	SMALL_CLASS_STEP_BYTES = 16,
	PAGE_SHIFT = 12,
	/* A bit for each of the 1021 blocks of 16 bytes in a pool of 16 KiB. */
	POOL_DATA_SLOTS = (1021 + 8 * STREAM_DATA_BYTES - 1) / (8 * STREAM_DATA_BYTES),
};
static const uint64_t ADDRESS_LIMIT = 1ULL << 48;

void stream_check_init(struct stream_check *check)
{
	memset(check, 0, sizeof(*check));
	for (size_t i = 0; i < 4; i++)
		stream_text_init(&check->texts[i]);
}

void stream_check_release(struct stream_check *check)
{
	for (size_t i = 0; i < 4; i++)
		stream_text_release(&check->texts[i]);
}

static void count_bad(struct stream_check *check, size_t index, const struct record *r,
		      const char *why)
{
	if (check->bad_records++ == 0)
		err_set(&check->first_bad, "record %llu (kind %d): %s",
			(unsigned long long)(check->position + index), (int)record_kind(r),
			why);
}

static bool code_known(const struct stream_check *check, uint32_t code)
{
	return code >= STREAM_CODE_FIRST && code - STREAM_CODE_FIRST < check->codes;
}

/* An undefined stack must not cost the bytes of its block. */
static bool mend_stack(const struct stream_check *check, struct record *r)
{
	if (record_low(r) <= check->nodes)
		return false;
	r->body &= ~0xffffffffULL;
	return true;
}

static void check_stack(struct stream_check *check, size_t index, struct record *r)
{
	if (mend_stack(check, r))
		count_bad(check, index, r, "an undefined stack");
}

static const char *check_address(const struct record *r)
{
	return record_a(r) ? NULL : "no block has this address";
}

static const char *check_small(const struct record *r)
{
	uint32_t bytes = r->body >> 32 & 0xffff;
	uint32_t class = r->body >> 48 & 0xff;

	if (record_a(r) == 0 || record_a(r) % 8 != 0)
		return "no block has this address";
	if (bytes > SMALL_MOST_BYTES)
		return "too large for a pool";
	if (class == STREAM_CLASS_KEPT)
		return r->body >> 56 ? "unknown bits" : NULL;
	if (class == 0 || class > SMALL_CLASSES || bytes > class * SMALL_CLASS_STEP_BYTES)
		return "not the size class of this size";
	return r->body >> 56 ? "unknown bits" : NULL;
}

static const char *check_alloc(const struct record *r)
{
	uint64_t bytes = record_high(r);

	if (record_a(r) == 0 || record_a(r) % 8 != 0)
		return "no block has this address";
	if (bytes == STREAM_SIZE_WIDE)
		stream_payload(r, sizeof(bytes), &bytes);
	return bytes >= ADDRESS_LIMIT ? "larger than the address space" : NULL;
}

static const char *check_range(const struct record *r, uint64_t bytes, uint64_t alignment)
{
	if (record_a(r) == 0 || record_a(r) % alignment != 0)
		return "no mapping has this address";
	if (bytes == 0 || bytes > ADDRESS_LIMIT - record_a(r))
		return "no mapping has this length";
	return NULL;
}

/* What check_node makes of a node that is wrong: a journal has it, and it was counted then. */
static bool mended_node(const struct stream_check *check, const struct record *r)
{
	return !check->from_ring && record_low(r) == 0 &&
	       record_high(r) == STREAM_CODE_TRUNCATED;
}

/*
 * Ids follow each other. Where some are missing, their definitions were in slots that got lost:
 * one mistake, and what comes behind them is as good as ever. A bound in all, so that a stream
 * of gaps can't ask for more memory than a real one.
 */
static const char *check_turn(struct stream_check *check, size_t index, const struct record *r,
			      uint32_t id, uint32_t due)
{
	if (id < due)
		return "defined a second time";
	if (id == due)
		return NULL;
	if (id - due > STREAM_MOST_MISSING - check->missing)
		return "definitions out of turn";
	check->missing += id - due;
	/* A journal says itself how many were bad. */
	if (check->from_ring)
		count_bad(check, index, r, "definitions before it are missing");
	return NULL;
}

/*
 * Nodes keep their numbers whatever is wrong with them, or every later stack would be another.
 */
static const char *check_node(struct stream_check *check, size_t index, struct record *r)
{
	uint32_t parent = record_low(r), code = record_high(r);
	bool root = code == STREAM_CODE_THREAD;
	const char *bad = record_a(r) > UINT32_MAX
				  ? "no such node"
				  : check_turn(check, index, r, (uint32_t)record_a(r),
					       check->nodes + 1);

	if (bad)
		return bad;
	check->nodes = (uint32_t)record_a(r) - 1;
	check->nodes++;
	if (mended_node(check, r))
		return NULL;
	if (parent >= check->nodes || root != (parent == 0)) {
		count_bad(check, index, r, "a stack node without its parent");
		r->body = (uint64_t)STREAM_CODE_TRUNCATED << 32;
	} else if (!root && code != STREAM_CODE_TRUNCATED && !code_known(check, code)) {
		count_bad(check, index, r, "a stack node of an undefined code object");
		r->body = parent | (uint64_t)STREAM_CODE_TRUNCATED << 32;
	}
	return NULL;
}

static bool code_text_fits(const struct stream_text *text)
{
	struct stream_code code;

	if (text->length < sizeof(code))
		return false;
	memcpy(&code, text->bytes.data, sizeof(code));
	return code.linetable_kind <= LINETABLE_LOCATIONS &&
	       (uint64_t)code.file_bytes + code.name_bytes + code.linetable_bytes ==
		       text->length - sizeof(code);
}

static bool info_text_fits(const struct stream_text *text)
{
	const uint8_t *equals = memchr(text->bytes.data, '=', text->length);

	return equals && equals > text->bytes.data &&
	       !memchr(text->bytes.data, 0, text->length);
}

static bool mark_text_fits(const struct stream_text *text)
{
	struct stream_mark mark;

	if (text->length < sizeof(mark))
		return false;
	memcpy(&mark, text->bytes.data, sizeof(mark));
	return mark.origin <= MARK_OUTSIDE;
}

static bool text_fits_kind(enum record_kind kind, const struct stream_text *text)
{
	switch (kind) {
	case R_CODE:
		return code_text_fits(text);
	case R_THREAD:
		return text->length >= sizeof(struct stream_thread);
	case R_INFO:
		return info_text_fits(text);
	default:
		return mark_text_fits(text);
	}
}

/* Whole as it is, its number is another matter. */
static const char *check_code(struct stream_check *check, size_t index, const struct record *r)
{
	uint32_t id = (uint32_t)r->head;
	const char *bad = check_turn(check, index, r, id, STREAM_CODE_FIRST + check->codes);

	if (!bad)
		check->codes = id - STREAM_CODE_FIRST + 1;
	return bad;
}

static const char *check_text(struct stream_check *check, size_t index, const struct record *r)
{
	enum record_kind kind = record_kind(r);
	struct stream_text *text = &check->texts[kind - R_CODE];
	const char *bad = NULL;
	int done;

	done = stream_text_add(text, r, NULL);
	if (done < 0)
		return "a fragment of another text";
	if (done == 0)
		return NULL;
	if (!text_fits_kind(kind, text))
		return "a text whose lengths contradict each other";
	if (kind == R_CODE)
		bad = check_code(check, index, r);
	return bad;
}

static const char *check_audit_arena(const struct record *r)
{
	const char *bad = check_range(r, record_high(r), 1);

	if (bad)
		return bad;
	return record_low(r) <= record_high(r) >> PAGE_SHIFT ? NULL
							     : "more pools than fit the arena";
}

static const char *check_audit_pool(const struct record *r)
{
	uint32_t class = r->body & 0xff, live = r->body >> 8 & 0xffff;
	uint32_t data = record_low(r) >> 24;

	if (record_a(r) == 0 || record_a(r) % (1 << PAGE_SHIFT) != 0)
		return "no pool has this address";
	if (record_high(r))
		return "unknown bits";
	if (class == 0 || class > SMALL_CLASSES)
		return "no such size class";
	if (live == 0)
		return "a pool without blocks";
	return data <= POOL_DATA_SLOTS ? NULL : "more bits than a pool has blocks";
}

static const char *check_collection(const struct record *r)
{
	uint64_t generation = record_a(r) & (R_GC_END - 1);

	if (generation != record_a(r) && !(record_a(r) & R_GC_END))
		return "unknown bits";

	return generation < R_GC_UNKNOWN || record_a(r) == R_GC_UNKNOWN ? NULL
									: "no such generation";
}

/* Kinds that are rare enough for one switch after the fast ones in check_record. */
static const char *check_rare(struct stream_check *check, size_t index, struct record *r)
{
	uint64_t pages_bytes = (uint64_t)record_high(r) << PAGE_SHIFT;

	switch (record_kind(r)) {
	case R_RESTORE:
	case R_ARENA_FREE:
		return check_address(r);
	case R_THREAD_STACK:
		return record_high(r) ? "unknown bits" : check_address(r);
	case R_RETAG:
		check_stack(check, index, r);
		if (record_high(r))
			return "unknown bits";
		return check_address(r);
	case R_TEMP:
	case R_TEMP_BY:
		return record_a(r) <= check->nodes ? NULL : "an undefined stack";
	case R_MAP_ANON:
	case R_MAP_FILE:
		check_stack(check, index, r);
		return check_range(r, pages_bytes, 1 << PAGE_SHIFT);
	case R_UNMAP:
		check_stack(check, index, r);
		return check_range(r, pages_bytes, 1 << PAGE_SHIFT);
	case R_ARENA:
		check_stack(check, index, r);
		return check_range(r, record_high(r), 1);
	case R_GC:
		return check_collection(r);
	case R_NODE:
		return check_node(check, index, r);
	case R_CHECK:
		return code_known(check, (uint32_t)r->head) ? NULL : "an undefined code object";
	case R_CODE:
	case R_THREAD:
	case R_INFO:
	case R_MARK:
		return check_text(check, index, r);
	case R_AUDIT_ARENA:
		return check_audit_arena(r);
	case R_AUDIT_POOL:
		return check_audit_pool(r);
	case R_EXEC:
	case R_AUDIT:
	case R_AUDIT_END:
		return NULL;
	case R_STATE:
		return check->from_ring || check->begun ? "a state where none can be" : NULL;
	case R_FORK:
		return record_a(r) ? NULL : "forks are counted from 1";
	case R_END:
		return record_a(r) >= END_EXIT && record_a(r) <= END_ABORT ? NULL
									   : "no such end";
	case R_NONE:
		/* In a journal these are the bad ones of the run, counted already. */
		return check->from_ring ? "nothing that a program writes" : NULL;
	case R_WAITING:
		/*
		 * Out of a table whose definitions may still be on their way: nobody's mistake.
		 */
		mend_stack(check, r);
		return NULL;
	default: /* what the collector puts in */
		return NULL;
	}
}

/* What stands before the parts of a state, and between them. */
static bool is_definition(enum record_kind kind)
{
	const uint64_t definitions = 1ULL << R_NONE | 1ULL << R_NODE | 1ULL << R_CODE |
				     1ULL << R_THREAD | 1ULL << R_INFO | 1ULL << R_STATE |
				     1ULL << R_MARK | 1ULL << R_THREAD_STACK;

	return definitions >> kind & 1;
}

static const char *check_record(struct stream_check *check, size_t index, struct record *r)
{
	if (r->head >> 54)
		return "unknown bits";
	if (!check->begun && !is_definition(record_kind(r)))
		check->begun = true;
	switch (record_kind(r)) {
	case R_SMALL_MEM:
	case R_SMALL_OBJECT:
		check_stack(check, index, r);
		return check_small(r);
	case R_FREE:
		check_stack(check, index, r);
		return check_address(r);
	case R_ALLOC_MALLOC:
	case R_ALLOC_MEM:
	case R_ALLOC_OBJECT:
		check_stack(check, index, r);
		return check_alloc(r);
	default:
		return check_rare(check, index, r);
	}
}

static size_t data_run(const struct record *r, size_t most)
{
	size_t run = 0;

	while (run < most && record_kind(&r[run]) == R_DATA)
		run++;
	return run;
}

size_t stream_check(struct stream_check *check, struct record *records, size_t count)
{
	size_t i = 0;

	while (i < count) {
		struct record *r = &records[i];
		size_t slots = stream_record_slots(r);
		size_t there = slots ? slots : 1;
		const char *bad = slots ? NULL : "this can't begin a record";

		if (slots > 1) {
			size_t room = count - i - 1 < slots - 1 ? count - i - 1 : slots - 1;

			there = 1 + data_run(r + 1, room);
			if (there < slots && there == count - i)
				break;
			if (there < slots)
				bad = "R_DATA is missing behind it";
		}
		if (!bad)
			bad = check_record(check, i, r);
		if (bad) {
			count_bad(check, i, r, bad);
			memset(r, 0, there * sizeof(*r));
		}
		i += there;
	}
	check->position += i;
	return i;
}

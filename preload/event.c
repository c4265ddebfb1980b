#include "event.h"

#include "call.h"
#include "cancel.h"
#include "debug_blocks.h"
#include "life.h"
#include "mark.h"
#include "pystack.h"
#include "python.h"
#include "ring.h"

/* Largest block that a pool serves, debug headers included. */
enum { SMALL_MOST = 512 };

/*
 * A realloc in place keeps the class that the block had, unless it can't: then no pool served
 * it.
 */
static uint32_t class_of(uint64_t bytes, uint32_t kept_class)
{
	uint32_t class = (uint32_t)((bytes + 15) >> 4);

	return kept_class >= class ? kept_class : class;
}

uint64_t event_pages(uint64_t bytes)
{
	uint64_t rest = bytes & ((1 << EVENT_PAGE_SHIFT) - 1);
	uint64_t pages = (bytes >> EVENT_PAGE_SHIFT) + (rest != 0);

	return pages < UINT32_MAX ? pages : UINT32_MAX;
}

static bool is_served(const struct call *call)
{
	return call && event_is_block(call->domain);
}

/*
 * Arenas are got in the middle of an allocation. Whatever else comes through their hook, chunks
 * of the stack of Python's frames (3.11 and later) above all, never is, and may be as large as
 * an arena. Allocations aren't followed while recording is paused: what is got then is taken
 * for an arena.
 */
static bool is_arena(const struct call *outer)
{
	enum { FIRST_WITH_CHUNKS = 11 };

	return python.minor < FIRST_WITH_CHUNKS || !life_recording() || is_served(outer);
}

/* The record's words, but for a size that doesn't fit (STREAM_SIZE_WIDE). */
static struct record make_record(const struct event *event, const struct call *outer,
				 uint32_t stack, uint32_t kept_class)
{
	static const enum record_kind kinds[] = {
		[EVENT_MALLOC] = R_ALLOC_MALLOC, [EVENT_MEM] = R_ALLOC_MEM,
		[EVENT_OBJECT] = R_ALLOC_OBJECT, [EVENT_ARENA] = R_ARENA,
		[EVENT_MAP] = R_MAP_ANON,
	};
	uint64_t inner = event->bytes + debug_blocks_overhead();
	uint64_t size = event->bytes < STREAM_SIZE_WIDE ? event->bytes : STREAM_SIZE_WIDE;
	enum record_kind kind = kinds[event->domain];

	if (event->domain == EVENT_MAP) {
		if (!event->anonymous)
			kind = R_MAP_FILE;
		size = event_pages(event->bytes);
	} else if (event->domain == EVENT_ARENA && !is_arena(outer)) {
		kind = R_MAP_ANON;
		size = event_pages(event->bytes);
	} else if (event_is_block(event->domain) && inner && inner <= SMALL_MOST) {
		kind = event->domain == EVENT_MEM ? R_SMALL_MEM : R_SMALL_OBJECT;
		size |= (uint64_t)class_of(inner, kept_class) << 16;
	}
	return (struct record){record_head(kind, event->address), stack | size << 32};
}

/*
 * What the interpreter's allocator gets for itself while it serves a line (its table of arenas,
 * the nodes of their radix tree) is nobody's block: it goes to the thread, without a Python
 * frame.
 */
static bool is_allocators_own(const struct call *outer, const struct event *event)
{
	return is_served(outer) && event->domain == EVENT_MALLOC;
}

void event_record(struct thread *self, const struct call *call, const struct event *event,
		  uint32_t kept_class)
{
	bool gil_held = call->gil_held;
	void *tstate = gil_held ? call->tstate : pystack_tstate();
	uint32_t stack = pystack_id(self, is_allocators_own(call->outer, event) ? NULL : tstate,
				    gil_held);

	if (__builtin_expect(pystack_main_seen(), 0))
		mark_main();
	struct record record = make_record(event, call->outer, stack, kept_class);

	if (event->bytes <= CANCEL_LARGEST_BYTES && event->domain <= EVENT_OBJECT &&
	    cancel_on) {
		cancel_put(record);
	} else if (event->bytes >= STREAM_SIZE_WIDE && event->domain <= EVENT_OBJECT) {
		char wide[STREAM_DATA_BYTES] = {0};

		__builtin_memcpy(wide, &event->bytes, sizeof(event->bytes));
		ring_put_with(record.head, record.body, wide);
	} else {
		ring_put(record.head, record.body);
	}
}

#include "call.h"

#include "debug_blocks.h"

/* Two debug allocators on top of each other add 24 bytes each, and 0 bytes become 1. */
enum { MOST_OVERHEAD = 64 };

/* One header in front, or two: a large block passes the raw domain's debug allocator too. */
static bool same_block(uint64_t inner, uint64_t outer)
{
	return inner == outer ||
	       (debug_blocks_overhead() && (inner == outer - 16 || inner == outer - 32));
}

bool call_hold(struct call *outer, const struct event *event)
{
	if (outer->held_count == CALL_HELD || outer->domain == EVENT_MAP)
		return false;
	if (event->bytes < outer->bytes || event->bytes - outer->bytes > MOST_OVERHEAD)
		return false;
	outer->held[outer->held_count++] = *event;
	return true;
}

bool call_forget(struct call *outer, uint64_t address)
{
	for (; outer; outer = outer->outer)
		for (unsigned i = 0; i < outer->held_count; i++)
			if (outer->held[i].address == address) {
				outer->held[i] = outer->held[--outer->held_count];
				return true;
			}
	return false;
}

/* The first that fits is the outer block; tracemalloc may have got others after it. */
void call_settle(struct call *call, uint64_t address)
{
	unsigned found = 0;

	while (found < call->held_count && !same_block(call->held[found].address, address))
		found++;
	if (found == call->held_count)
		return;
	call->held_count--;
	for (unsigned i = found; i < call->held_count; i++)
		call->held[i] = call->held[i + 1];
}

bool call_is_covered(struct call *call, uint64_t address)
{
	for (struct call *outer = call->outer; outer; outer = outer->outer)
		if (outer->old && !outer->old_seen && same_block(address, outer->old)) {
			outer->old_seen = true;
			call->covered = true;
			return true;
		}
	return false;
}

#include "arenas.h"

#include <string.h>

#include "memory.h"
#include "spin.h"

enum { FIRST_CAPACITY = 4096 / sizeof(struct arena) };

static struct arena *table;
static uint32_t count, capacity;
static _Atomic bool ever;
static _Atomic uint32_t lock;

/* The index of the first arena at or above an address. */
static uint32_t lower_bound(uint64_t address)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (table[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool grow(void)
{
	uint32_t more = capacity ? capacity * 2 : FIRST_CAPACITY;
	struct arena *larger = memory_get(more * sizeof(*larger));

	if (!larger)
		return false;
	if (capacity) {
		memcpy(larger, table, count * sizeof(*table));
		memory_drop(table, capacity * sizeof(*table));
	}
	table = larger;
	capacity = more;
	return true;
}

static void take_out(uint32_t at)
{
	memmove(&table[at], &table[at + 1], (--count - at) * sizeof(*table));
}

static bool put_in(struct arena arena)
{
	uint32_t at = lower_bound(arena.address);

	/* The address anew: how the one before went was not told. */
	if (at < count && table[at].address == arena.address)
		take_out(at);
	if (count == capacity && !grow())
		return false;
	memmove(&table[at + 1], &table[at], (count++ - at) * sizeof(*table));
	table[at] = arena;
	return true;
}

bool arenas_add(struct arena arena)
{
	spin_lock(&lock);
	bool added = put_in(arena);

	spin_unlock(&lock);
	atomic_store_explicit(&ever, true, memory_order_relaxed);
	return added;
}

void arenas_remove(uint64_t address)
{
	spin_lock(&lock);
	uint32_t at = lower_bound(address);

	if (at < count && table[at].address == address)
		take_out(at);
	spin_unlock(&lock);
}

bool arenas_next(uint32_t owner, uint64_t above, struct arena *ret_arena)
{
	bool found = false;

	spin_lock(&lock);
	for (uint32_t i = lower_bound(above + 1); i < count && !found; i++)
		if (table[i].owner == owner) {
			*ret_arena = table[i];
			found = true;
		}
	spin_unlock(&lock);
	return found;
}

/* Audits are counted: the difference tells which is older when they wrap, too. */
static bool is_older(uint32_t one, uint32_t other)
{
	return (int32_t)(one - other) < 0;
}

bool arenas_owed(uint32_t owner, uint32_t audit)
{
	bool owed = false;

	spin_lock(&lock);
	for (uint32_t i = 0; i < count && !owed; i++)
		owed = table[i].owner == owner && is_older(table[i].audited, audit);
	spin_unlock(&lock);
	return owed;
}

bool arenas_any_owed(uint32_t audit)
{
	bool owed = false;

	spin_lock(&lock);
	for (uint32_t i = 0; i < count && !owed; i++)
		owed = is_older(table[i].audited, audit);
	spin_unlock(&lock);
	return owed;
}

void arenas_audited(uint32_t owner, uint32_t audit)
{
	spin_lock(&lock);
	for (uint32_t i = 0; i < count; i++)
		if (table[i].owner == owner)
			table[i].audited = audit;
	spin_unlock(&lock);
}

bool arenas_never(void)
{
	return !atomic_load_explicit(&ever, memory_order_relaxed);
}

void arenas_lock(void)
{
	spin_lock(&lock);
}

void arenas_unlock(void)
{
	spin_unlock(&lock);
}

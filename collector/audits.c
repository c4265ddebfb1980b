#include "audits.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "stream_read.h"

/* A bit for each block of the smallest class in the largest pool. */
enum { POOL_BIT_BYTES = 128 };

/* What the map and the headers say of one pool. */
struct both {
	uint64_t address;
	const struct pool *pool; /* NULL: no live block by the map */
	uint32_t class, live;    /* by the header; 0: no live block */
	uint8_t bits[POOL_BIT_BYTES];
};

void audits_init(struct audits *audits)
{
	*audits = (struct audits){0};
}

void audits_release(struct audits *audits)
{
	free(audits->items);
	audits_init(audits);
}

static void begin(struct audits *audits, const struct record *r)
{
	audits->is_open = true;
	audits->number = record_a(r);
	audits->now = (struct profile_audit){.interpreters = 1};
	audits->differences_now = 0;
	audits->arena_bytes = 0;
}

static void put_difference(struct audits *audits, struct profile_audit_difference difference)
{
	size_t at = audits->difference_count + audits->differences_now;

	audits->arena_differs = true;
	if (at == PROFILE_MAX_DIFFERENCES)
		return;
	difference.arena = audits->arena;
	audits->differences[at] = difference;
	audits->differences_now++;
}

static bool bit_at(const struct both *both, uint32_t index)
{
	return both->bits[index / 8] >> index % 8 & 1;
}

/* Live by either, and by one of them only; of two classes no block is the other's. */
static void compare_blocks(const struct both *both, uint32_t *ret_either,
			   uint32_t *ret_differing)
{
	uint32_t map_live = both->pool ? both->pool->live : 0, either = 0, differing = 0;

	if (!both->pool || !both->class || both->pool->class != both->class) {
		*ret_either = *ret_differing = map_live + both->live;
		return;
	}
	for (uint32_t i = 0; i < both->pool->capacity; i++) {
		bool by_map = both->pool->blocks[i].live, by_header = bit_at(both, i);

		either += by_map || by_header;
		differing += by_map != by_header;
	}
	/* A header may count other blocks than its list of free ones leaves. */
	uint32_t more = both->live > map_live ? both->live - map_live : map_live - both->live;

	*ret_either = either > both->live ? either : both->live;
	*ret_differing = differing > more ? differing : more;
}

static void compare_pool(struct audits *audits, const struct both *both)
{
	uint32_t either, differing;

	compare_blocks(both, &either, &differing);
	if (!either)
		return;
	audits->now.pools++;
	audits->now.blocks += either;
	if (!differing)
		return;
	audits->now.differing_pools++;
	audits->now.differing_blocks += differing;
	put_difference(audits, (struct profile_audit_difference){
				       .pool = both->address,
				       .map_class = both->pool ? both->pool->class : 0,
				       .header_class = (uint16_t)both->class,
				       .map_blocks = both->pool ? both->pool->live : 0,
				       .header_blocks = both->live,
				       .differing_blocks = differing,
			       });
}

/* The map's arena that the audit is at; NULL: it has none, or another one. */
static const struct arena *mapped_arena(const struct audits *audits,
					const struct arena_map *map)
{
	const struct arena *arena = arena_map_at(map, audits->arena);

	return arena && arena->bytes == audits->arena_bytes ? arena : NULL;
}

/* Pools of the map before `end` that the headers passed over. */
static void compare_unnamed(struct audits *audits, const struct arena_map *map, uint64_t end)
{
	const struct arena *arena = mapped_arena(audits, map);
	uint64_t at = 0;

	if (arena && audits->next > arena->first_pool)
		at = (audits->next - arena->first_pool + map->pool_bytes - 1) >>
		     map->pool_shift;
	for (; arena && at < arena->pool_count; at++) {
		const struct pool *pool = arena->pools[at];

		if (arena->first_pool + (at << map->pool_shift) >= end)
			break;
		if (pool && pool->live)
			compare_pool(audits,
				     &(struct both){.address = pool->address, .pool = pool});
	}
	audits->next = end;
}

static void end_arena(struct audits *audits, const struct arena_map *map)
{
	if (!audits->arena_bytes)
		return;
	compare_unnamed(audits, map, audits->arena + audits->arena_bytes);
	audits->now.arenas++;
	audits->now.differing_arenas += audits->arena_differs;
	audits->arena_bytes = 0;
}

static void begin_arena(struct audits *audits, const struct arena_map *map,
			const struct record *r)
{
	end_arena(audits, map);
	audits->arena = audits->next = record_a(r);
	audits->arena_bytes = record_high(r);
	audits->arena_differs = false;
	if (audits->arena_bytes && !mapped_arena(audits, map))
		put_difference(audits, (struct profile_audit_difference){0});
}

static const struct pool *mapped_pool(const struct audits *audits, const struct arena_map *map,
				      uint64_t address)
{
	const struct arena *arena = mapped_arena(audits, map);
	const struct pool *pool;

	if (!arena || address < arena->first_pool ||
	    (address - arena->first_pool) >> map->pool_shift >= arena->pool_count)
		return NULL;
	pool = arena->pools[(address - arena->first_pool) >> map->pool_shift];
	return pool && pool->address == address && pool->live ? pool : NULL;
}

static void read_bits(const struct record *r, struct both *both)
{
	size_t len = (stream_record_slots(r) - 1) * STREAM_DATA_BYTES;

	if (len == 0)
		memset(both->bits, 0xff, sizeof(both->bits));
	else
		stream_payload(r, len < POOL_BIT_BYTES ? len : POOL_BIT_BYTES, both->bits);
}

/* Pools out of order would be compared twice: they count as one thing that is wrong. */
static void take_pool(struct audits *audits, const struct arena_map *map,
		      const struct record *r)
{
	struct both both = {
		.address = record_a(r),
		.class = record_low(r) & 0xff,
		.live = record_low(r) >> 8 & 0xffff,
	};

	if (!audits->arena_bytes)
		return;
	if (both.address < audits->next) {
		audits->arena_differs = true;
		return;
	}
	compare_unnamed(audits, map, both.address);
	audits->next = both.address + 1;
	both.pool = mapped_pool(audits, map, both.address);
	read_bits(r, &both);
	compare_pool(audits, &both);
}

static void add_figures(struct profile_audit *sum, const struct profile_audit *figures)
{
	sum->interpreters += figures->interpreters;
	sum->arenas += figures->arenas;
	sum->differing_arenas += figures->differing_arenas;
	sum->pools += figures->pools;
	sum->differing_pools += figures->differing_pools;
	sum->blocks += figures->blocks;
	sum->differing_blocks += figures->differing_blocks;
	sum->pause_ns += figures->pause_ns;
	sum->time_ms = figures->time_ms;
}

static bool differs(const struct audit_result *audit)
{
	return audit->figures.differing_arenas || audit->figures.differing_pools;
}

/* Differences of the open audit move up as well. */
static void forget_differences(struct audits *audits, uint32_t id)
{
	size_t kept = 0, all = audits->difference_count + audits->differences_now;

	for (size_t i = 0; i < all; i++) {
		if (i < audits->difference_count && audits->differences[i].audit == id)
			continue;
		audits->differences[kept++] = audits->differences[i];
	}
	audits->difference_count = kept - audits->differences_now;
}

static void give_way(struct audits *audits)
{
	size_t victim = 0;

	while (victim < audits->count && differs(&audits->items[victim]))
		victim++;
	if (victim == audits->count)
		victim = 0;
	forget_differences(audits, audits->items[victim].id);
	audits->count--;
	memmove(&audits->items[victim], &audits->items[victim + 1],
		(audits->count - victim) * sizeof(*audits->items));
}

/* Another interpreter's for the same mark may come late: results are found by the mark. */
static struct audit_result *result_for(struct audits *audits)
{
	struct audit_result *audit;

	for (size_t i = audits->count; i-- > 0;)
		if (audits->items[i].number == audits->number)
			return &audits->items[i];
	if (audits->count == AUDIT_LIMIT)
		give_way(audits);
	audits->items = mem_grow(audits->items, &audits->capacity, audits->count + 1,
				 sizeof(*audits->items));
	audit = &audits->items[audits->count++];
	*audit = (struct audit_result){.number = audits->number, .id = ++audits->last_id};
	return audit;
}

static void end(struct audits *audits, const struct arena_map *map, const struct record *r,
		uint64_t now_ms)
{
	struct audit_result *audit;

	end_arena(audits, map);
	audits->is_open = false;
	audits->now.pause_ns = r->body;
	audits->now.time_ms = now_ms;
	audit = result_for(audits);
	add_figures(&audit->figures, &audits->now);
	for (size_t i = 0; i < audits->differences_now; i++)
		audits->differences[audits->difference_count++].audit = audit->id;
	audits->differences_now = 0;
}

void audits_apply(struct audits *audits, const struct arena_map *map, const struct record *r,
		  uint64_t now_ms)
{
	if (record_kind(r) == R_AUDIT)
		begin(audits, r);
	else if (!audits->is_open)
		return;
	else if (record_kind(r) == R_AUDIT_ARENA)
		begin_arena(audits, map, r);
	else if (record_kind(r) == R_AUDIT_POOL)
		take_pool(audits, map, r);
	else if (record_a(r) == audits->number)
		end(audits, map, r, now_ms);
}

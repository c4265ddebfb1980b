/*
 * The schema memtrace.map/1. Sizes are bytes, live ones as large as their size class makes
 * blocks; null is "not known". A key is never left out.
 *
 *	process  pid, program, python, allocator
 *	at       name, seconds (null: of peak)
 *	reason   a sentence that says why there are no arenas; null where there are
 *	total    arenas, bytes, live_bytes, live_blocks, header_bytes, free_bytes, pool_bytes
 *	pins     the lines: file, line, function, module (null where they have none in common), name
 *	         without a file, blocks, live_bytes, pinned_bytes, exclusive_bytes, exclusive_arenas,
 *	         arenas, oldest_seconds, newest_seconds; what they hold together is in none's exclusive
 *	release  steps of a greedy order: lines (numbers of pins, counted from 0), and what goes back
 *	         with those of all steps so far: arenas, bytes
 *	arenas   most free bytes first: address, bytes, live_bytes, live_blocks, header_bytes,
 *	         free_bytes, age_seconds, other_blocks (whose lines aren't known),
 *	         pins   pin (number), blocks, live_bytes; most blocks first
 *	         pools  null at marks; those with live blocks, ascending: offset (of the arena's
 *	                address), size (of a block), live, capacity, and with --pools also pins
 *	doubts   sentences: what is known to be wrong or missing
 */
#include "map_json.h"

#include "../collector/linetable.h"
#include "doubts.h"

static void write_process(struct json *json, const struct profile *profile)
{
	json_open_object(json, "process");
	json_u64(json, "pid", profile->run.pid);
	json_text(json, "program", profile_info(profile, "program"));
	json_text(json, "python", profile_info(profile, "python"));
	json_text(json, "allocator", profile_info(profile, "allocator"));
	json_close(json);
}

static void write_seconds(struct json *json, const char *key, double seconds)
{
	if (seconds < 0)
		json_put_null(json, key);
	else
		json_double(json, key, seconds, 3);
}

static void write_at(struct json *json, const struct moment *moment)
{
	json_open_object(json, "at");
	json_text(json, "name", moment->name);
	write_seconds(json, "seconds", moment->seconds);
	json_close(json);
}

static void write_total(struct json *json, const struct arenas *arenas)
{
	json_open_object(json, "total");
	json_u64(json, "arenas", arenas->count);
	json_u64(json, "bytes", arenas->bytes);
	json_u64(json, "live_bytes", arenas->block_bytes);
	json_u64(json, "live_blocks", arenas->live_blocks);
	json_u64(json, "header_bytes", arenas->header_bytes);
	json_u64(json, "free_bytes", arenas->free_bytes);
	json_u64(json, "pool_bytes", arenas->pool_bytes);
	json_close(json);
}

static void write_line(struct json *json, const struct pinning_row *row, bool ages)
{
	const struct group *group = &row->group;
	json_open_object(json, NULL);
	json_text(json, "file", group->file);
	if (group->line == LINE_NONE)
		json_put_null(json, "line");
	else
		json_i64(json, "line", group->line);
	json_text(json, "function", group->function);
	json_text(json, "module", group->module);
	json_text(json, "name", group->file || group->module ? NULL : group->name.text);
	json_u64(json, "blocks", row->figures.blocks);
	json_u64(json, "live_bytes", row->figures.live_bytes);
	json_u64(json, "pinned_bytes", row->figures.pinned_bytes);
	json_u64(json, "exclusive_bytes", row->figures.exclusive_bytes);
	json_u64(json, "exclusive_arenas", row->figures.exclusive_arenas);
	json_u64(json, "arenas", row->figures.arenas);
	write_seconds(json, "oldest_seconds", ages ? row->oldest_seconds : -1);
	write_seconds(json, "newest_seconds", ages ? row->newest_seconds : -1);
	json_close(json);
}

static void write_release(struct json *json, const struct release *release)
{
	size_t taken = 0;
	json_open_array(json, "release");
	for (size_t i = 0; i < release->step_count; i++) {
		json_open_object(json, NULL);
		json_open_array(json, "lines");
		for (; taken < release->steps[i].rows; taken++)
			json_u64(json, NULL, release->order[taken]);
		json_close(json);
		json_u64(json, "arenas", release->steps[i].arenas);
		json_u64(json, "bytes", release->steps[i].bytes);
		json_close(json);
	}
	json_close(json);
}

static void write_holders(struct json *json, const struct map_holder *holders, size_t count)
{
	json_open_array(json, "pins");
	for (size_t i = 0; i < count; i++) {
		json_open_object(json, NULL);
		json_u64(json, "pin", holders[i].line);
		json_u64(json, "blocks", holders[i].blocks);
		json_u64(json, "live_bytes", holders[i].block_bytes);
		json_close(json);
	}
	json_close(json);
}

/* What is left open for pins, which only the zoomed arena's pools have. */
static void open_pool(struct json *json, uint64_t offset, uint32_t class, uint32_t live,
		      uint32_t capacity)
{
	json_open_object(json, NULL);
	json_u64(json, "offset", offset);
	json_u64(json, "size", arenas_class_bytes(class));
	json_u64(json, "live", live);
	json_u64(json, "capacity", capacity);
}

static void write_pools(struct json *json, const struct map *map, const struct map_arena *arena)
{
	if (!map->exact) {
		json_put_null(json, "pools");
		return;
	}
	json_open_array(json, "pools");
	for (size_t i = 0; i < arena->pool_count; i++) {
		const struct profile_pool *pool =
			&map->of.profile->pools[arena->pool_start + i];
		open_pool(json, pool->address - arena->held->address, pool->class,
			  pool->live_blocks,
			  arenas_pool_blocks(map->of.arenas->pool_bytes, pool->class));
		json_close(json);
	}
	json_close(json);
}

static void write_zoomed_pools(struct json *json, const struct map_pools *pools)
{
	json_open_array(json, "pools");
	for (size_t i = 0; i < pools->count; i++) {
		const struct map_pool *pool = &pools->items[i];
		open_pool(json, pool->address - pools->arena->held->address,
			  pool->block_bytes / ARENAS_CLASS_STEP_BYTES, pool->live,
			  pool->capacity);
		write_holders(json, &pools->holders[pool->holder_start], pool->holder_count);
		json_close(json);
	}
	json_close(json);
}

static void write_arena(struct json *json, const struct map *map, const struct map_arena *arena,
			const struct map_pools *pools)
{
	const struct held_arena *held = arena->held;
	char address[24];
	snprintf(address, sizeof address, "%#llx", (unsigned long long)held->address);
	json_open_object(json, NULL);
	json_text(json, "address", address);
	json_u64(json, "bytes", held->bytes);
	json_u64(json, "live_bytes", held->block_bytes);
	json_u64(json, "live_blocks", held->live_blocks);
	json_u64(json, "header_bytes", held->header_bytes);
	json_u64(json, "free_bytes", held->free_bytes);
	write_seconds(json, "age_seconds", map_age(map, held->window));
	json_u64(json, "other_blocks", held->other_blocks);
	write_holders(json, &map->holders[arena->holder_start], arena->holder_count);
	if (pools)
		write_zoomed_pools(json, pools);
	else
		write_pools(json, map, arena);
	json_close(json);
}

static void write_doubt(void *user, const char *sentence)
{
	json_text(user, NULL, sentence);
}

static void write_head(struct json *json, const struct map *map)
{
	char missing[300];
	const struct pinning *pinning = map->of.pinning;
	json_open_object(json, NULL);
	json_text(json, "schema", "memtrace.map/1");
	write_process(json, map->of.profile);
	write_at(json, &map->of.moment);
	json_text(json, "reason", map_missing(map, missing, sizeof missing));
	write_total(json, map->of.arenas);
	json_open_array(json, "pins");
	for (size_t i = 0; i < pinning->row_count; i++)
		write_line(json, &pinning->rows[i], map->of.moment.seconds >= 0);
	json_close(json);
	write_release(json, &pinning->release);
	json_open_array(json, "arenas");
}

static void write_tail(struct json *json, const struct map *map)
{
	json_close(json);
	json_open_array(json, "doubts");
	doubts_of(map->of.profile, write_doubt, json);
	json_close(json);
	json_close(json);
}

void map_json(const struct map *map, size_t limit, struct json *json)
{
	write_head(json, map);
	for (size_t i = 0; i < map->count && (!limit || i < limit); i++)
		write_arena(json, map, &map->items[i], NULL);
	write_tail(json, map);
}

void map_json_pools(const struct map *map, const struct map_pools *pools, struct json *json)
{
	write_head(json, map);
	write_arena(json, map, pools->arena, pools);
	write_tail(json, map);
}

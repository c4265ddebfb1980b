/*
 * map_json.h - the map for programs: the schema memtrace.map/1.
 */
#ifndef MEMTRACE_MAP_JSON_H
#define MEMTRACE_MAP_JSON_H

#include "json.h"
#include "map_pools.h"

/* The first `limit` arenas; 0: all. */
void map_json(const struct map *map, size_t limit, struct json *json);
/* One arena alone, and in each of its pools the lines that hold it. */
void map_json_pools(const struct map *map, const struct map_pools *pools, struct json *json);

#endif

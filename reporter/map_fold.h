/*
 * map_fold.h - thousands of arenas as a screenful of rows: similar ones become one.
 *
 * Similar are those that the same lines hold (the few with most of their blocks) and of which
 * the same tenth is live. Full ones are alike whoever holds them, and so are those without
 * live blocks. Where all arenas fit there is nothing to fold.
 */
#ifndef MEMTRACE_MAP_FOLD_H
#define MEMTRACE_MAP_FOLD_H

#include "map.h"

enum map_row_kind {
	MAP_ROW_HELD = 0,
	MAP_ROW_FULL,  /* nine tenths are live, or more */
	MAP_ROW_EMPTY, /* no live block */
	MAP_ROW_OTHER, /* the rows that there is no room for */
};

struct map_row {
	enum map_row_kind kind;
	size_t arena; /* of the map: the one in the middle of them, which is drawn */
	size_t count;
	uint64_t bytes, live_bytes, free_bytes; /* of all; live as blocks are large */
	double oldest, newest;                  /* ages of arenas; negative: not known */
	struct map_holder *holders;             /* of all, most blocks first */
	size_t holder_count;
	uint64_t other_blocks;
};

struct map_fold {
	struct map_row *rows; /* most free bytes first; MAP_ROW_OTHER, if there is one, last */
	size_t row_count;
	bool folded;
};

/* At most `limit` rows and one for the others; 0: a row for each arena. */
void map_fold_init(struct map_fold *fold, const struct map *map, size_t limit);
void map_fold_release(struct map_fold *fold);

#endif

build-san/obj/collector/heap_rare.o: collector/heap_rare.c \
 collector/heap_books.h collector/heap.h collector/arena_map.h \
 collector/audits.h collector/profile.h collector/../preload/stream.h \
 collector/block_table.h collector/census.h collector/pins.h \
 collector/pulse.h collector/summary.h collector/buf.h collector/err.h \
 collector/mappings.h collector/u64map.h collector/marks.h \
 collector/sites.h collector/reallocs.h collector/stacks.h \
 collector/stream_read.h collector/windows.h collector/heap_state.h
collector/heap_books.h:
collector/heap.h:
collector/arena_map.h:
collector/audits.h:
collector/profile.h:
collector/../preload/stream.h:
collector/block_table.h:
collector/census.h:
collector/pins.h:
collector/pulse.h:
collector/summary.h:
collector/buf.h:
collector/err.h:
collector/mappings.h:
collector/u64map.h:
collector/marks.h:
collector/sites.h:
collector/reallocs.h:
collector/stacks.h:
collector/stream_read.h:
collector/windows.h:
collector/heap_state.h:

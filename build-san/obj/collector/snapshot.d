build-san/obj/collector/snapshot.o: collector/snapshot.c \
 collector/snapshot.h collector/heap.h collector/arena_map.h \
 collector/audits.h collector/profile.h collector/../preload/stream.h \
 collector/block_table.h collector/census.h collector/pins.h \
 collector/pulse.h collector/summary.h collector/buf.h collector/err.h \
 collector/mappings.h collector/u64map.h collector/marks.h \
 collector/sites.h collector/reallocs.h collector/stacks.h \
 collector/stream_read.h collector/windows.h collector/section_write.h \
 collector/block_walk.h collector/mem.h
collector/snapshot.h:
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
collector/section_write.h:
collector/block_walk.h:
collector/mem.h:

build-san/obj/collector/profile_write_map.o: \
 collector/profile_write_map.c collector/profile_write_map.h \
 collector/heap.h collector/arena_map.h collector/audits.h \
 collector/profile.h collector/../preload/stream.h \
 collector/block_table.h collector/census.h collector/pins.h \
 collector/pulse.h collector/summary.h collector/buf.h collector/err.h \
 collector/mappings.h collector/u64map.h collector/marks.h \
 collector/sites.h collector/reallocs.h collector/stacks.h \
 collector/stream_read.h collector/windows.h collector/section_write.h \
 collector/mem.h
collector/profile_write_map.h:
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
collector/mem.h:

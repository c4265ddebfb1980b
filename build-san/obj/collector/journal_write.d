build-san/obj/collector/journal_write.o: collector/journal_write.c \
 collector/journal.h collector/../preload/stream.h collector/err.h \
 collector/columns.h collector/journal_sum.h collector/mem.h \
 collector/profile_write.h collector/heap.h collector/arena_map.h \
 collector/audits.h collector/profile.h collector/block_table.h \
 collector/census.h collector/pins.h collector/pulse.h \
 collector/summary.h collector/buf.h collector/mappings.h \
 collector/u64map.h collector/marks.h collector/sites.h \
 collector/reallocs.h collector/stacks.h collector/stream_read.h \
 collector/windows.h collector/snapshot.h collector/section_write.h
collector/journal.h:
collector/../preload/stream.h:
collector/err.h:
collector/columns.h:
collector/journal_sum.h:
collector/mem.h:
collector/profile_write.h:
collector/heap.h:
collector/arena_map.h:
collector/audits.h:
collector/profile.h:
collector/block_table.h:
collector/census.h:
collector/pins.h:
collector/pulse.h:
collector/summary.h:
collector/buf.h:
collector/mappings.h:
collector/u64map.h:
collector/marks.h:
collector/sites.h:
collector/reallocs.h:
collector/stacks.h:
collector/stream_read.h:
collector/windows.h:
collector/snapshot.h:
collector/section_write.h:

build-san/obj/collector/drain_mark.o: collector/drain_mark.c \
 collector/drain.h collector/buf.h collector/ledger.h \
 collector/checkpoint.h collector/err.h collector/heap.h \
 collector/arena_map.h collector/audits.h collector/profile.h \
 collector/../preload/stream.h collector/block_table.h collector/census.h \
 collector/pins.h collector/pulse.h collector/summary.h \
 collector/mappings.h collector/u64map.h collector/marks.h \
 collector/sites.h collector/reallocs.h collector/stacks.h \
 collector/stream_read.h collector/windows.h collector/journal.h \
 collector/log.h collector/profile_write.h collector/snapshot.h \
 collector/section_write.h collector/program.h collector/ring.h
collector/drain.h:
collector/buf.h:
collector/ledger.h:
collector/checkpoint.h:
collector/err.h:
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
collector/mappings.h:
collector/u64map.h:
collector/marks.h:
collector/sites.h:
collector/reallocs.h:
collector/stacks.h:
collector/stream_read.h:
collector/windows.h:
collector/journal.h:
collector/log.h:
collector/profile_write.h:
collector/snapshot.h:
collector/section_write.h:
collector/program.h:
collector/ring.h:

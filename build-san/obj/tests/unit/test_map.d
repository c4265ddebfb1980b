build-san/obj/tests/unit/test_map.o: tests/unit/test_map.c \
 tests/unit/heap_by_hand.h tests/unit/../../collector/buf.h \
 tests/unit/../../collector/heap.h tests/unit/../../collector/arena_map.h \
 tests/unit/../../collector/audits.h tests/unit/../../collector/profile.h \
 tests/unit/../../collector/../preload/stream.h \
 tests/unit/../../collector/block_table.h \
 tests/unit/../../collector/census.h tests/unit/../../collector/pins.h \
 tests/unit/../../collector/pulse.h tests/unit/../../collector/summary.h \
 tests/unit/../../collector/buf.h tests/unit/../../collector/err.h \
 tests/unit/../../collector/mappings.h \
 tests/unit/../../collector/u64map.h tests/unit/../../collector/marks.h \
 tests/unit/../../collector/sites.h tests/unit/../../collector/reallocs.h \
 tests/unit/../../collector/stacks.h \
 tests/unit/../../collector/stream_read.h \
 tests/unit/../../collector/windows.h \
 tests/unit/../../collector/profile_write.h \
 tests/unit/../../collector/heap.h tests/unit/../../collector/snapshot.h \
 tests/unit/../../collector/section_write.h \
 tests/unit/../../collector/stream_read.h \
 tests/unit/../../reporter/map_fold.h tests/unit/../../reporter/map.h \
 tests/unit/../../reporter/map_draw.h tests/unit/../../reporter/term.h \
 tests/unit/../../reporter/pinning.h tests/unit/../../reporter/arenas.h \
 tests/unit/../../reporter/moment.h \
 tests/unit/../../reporter/../collector/profile_read.h \
 tests/unit/../../reporter/../collector/err.h \
 tests/unit/../../reporter/../collector/linetable.h \
 tests/unit/../../reporter/../collector/../preload/stream.h \
 tests/unit/../../reporter/../collector/profile.h \
 tests/unit/../../reporter/../collector/section_read.h \
 tests/unit/../../reporter/../collector/buf.h \
 tests/unit/../../reporter/grouping.h tests/unit/../../reporter/lines.h \
 tests/unit/../../reporter/../collector/u64map.h \
 tests/unit/../../reporter/release.h \
 tests/unit/../../reporter/map_layout.h \
 tests/unit/../../reporter/map_text.h \
 tests/unit/../../reporter/map_fold.h \
 tests/unit/../../reporter/map_pools.h tests/unit/../../reporter/units.h \
 tests/unit/../../reporter/short_names.h
tests/unit/heap_by_hand.h:
tests/unit/../../collector/buf.h:
tests/unit/../../collector/heap.h:
tests/unit/../../collector/arena_map.h:
tests/unit/../../collector/audits.h:
tests/unit/../../collector/profile.h:
tests/unit/../../collector/../preload/stream.h:
tests/unit/../../collector/block_table.h:
tests/unit/../../collector/census.h:
tests/unit/../../collector/pins.h:
tests/unit/../../collector/pulse.h:
tests/unit/../../collector/summary.h:
tests/unit/../../collector/buf.h:
tests/unit/../../collector/err.h:
tests/unit/../../collector/mappings.h:
tests/unit/../../collector/u64map.h:
tests/unit/../../collector/marks.h:
tests/unit/../../collector/sites.h:
tests/unit/../../collector/reallocs.h:
tests/unit/../../collector/stacks.h:
tests/unit/../../collector/stream_read.h:
tests/unit/../../collector/windows.h:
tests/unit/../../collector/profile_write.h:
tests/unit/../../collector/heap.h:
tests/unit/../../collector/snapshot.h:
tests/unit/../../collector/section_write.h:
tests/unit/../../collector/stream_read.h:
tests/unit/../../reporter/map_fold.h:
tests/unit/../../reporter/map.h:
tests/unit/../../reporter/map_draw.h:
tests/unit/../../reporter/term.h:
tests/unit/../../reporter/pinning.h:
tests/unit/../../reporter/arenas.h:
tests/unit/../../reporter/moment.h:
tests/unit/../../reporter/../collector/profile_read.h:
tests/unit/../../reporter/../collector/err.h:
tests/unit/../../reporter/../collector/linetable.h:
tests/unit/../../reporter/../collector/../preload/stream.h:
tests/unit/../../reporter/../collector/profile.h:
tests/unit/../../reporter/../collector/section_read.h:
tests/unit/../../reporter/../collector/buf.h:
tests/unit/../../reporter/grouping.h:
tests/unit/../../reporter/lines.h:
tests/unit/../../reporter/../collector/u64map.h:
tests/unit/../../reporter/release.h:
tests/unit/../../reporter/map_layout.h:
tests/unit/../../reporter/map_text.h:
tests/unit/../../reporter/map_fold.h:
tests/unit/../../reporter/map_pools.h:
tests/unit/../../reporter/units.h:
tests/unit/../../reporter/short_names.h:

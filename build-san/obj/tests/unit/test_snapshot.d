build-san/obj/tests/unit/test_snapshot.o: tests/unit/test_snapshot.c \
 tests/unit/profile_fixture.h tests/unit/heap_by_hand.h \
 tests/unit/../../collector/buf.h tests/unit/../../collector/heap.h \
 tests/unit/../../collector/arena_map.h \
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
 tests/unit/../../collector/stream_read.h tests/unit/profile_promises.h \
 tests/unit/../../collector/mem.h \
 tests/unit/../../collector/profile_read.h \
 tests/unit/../../collector/linetable.h \
 tests/unit/../../collector/section_read.h \
 tests/unit/../../collector/ledger.h \
 tests/unit/../../collector/checkpoint.h \
 tests/unit/../../collector/journal.h tests/unit/../../collector/log.h \
 tests/unit/../../collector/profile_write.h
tests/unit/profile_fixture.h:
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
tests/unit/profile_promises.h:
tests/unit/../../collector/mem.h:
tests/unit/../../collector/profile_read.h:
tests/unit/../../collector/linetable.h:
tests/unit/../../collector/section_read.h:
tests/unit/../../collector/ledger.h:
tests/unit/../../collector/checkpoint.h:
tests/unit/../../collector/journal.h:
tests/unit/../../collector/log.h:
tests/unit/../../collector/profile_write.h:

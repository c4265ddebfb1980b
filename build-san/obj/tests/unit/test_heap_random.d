build-san/obj/tests/unit/test_heap_random.o: \
 tests/unit/test_heap_random.c tests/unit/../../collector/heap_state.h \
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
 tests/unit/../../collector/section_read.h \
 tests/unit/../../collector/snapshot.h \
 tests/unit/../../collector/section_write.h tests/unit/heap_stream.h \
 tests/unit/../../collector/mem.h tests/unit/audit_model.h \
 tests/unit/../../collector/buf.h tests/unit/heap_model.h \
 tests/unit/../../collector/heap.h tests/unit/census_model.h \
 tests/unit/../../collector/summary.h tests/unit/audit_stream.h
tests/unit/../../collector/heap_state.h:
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
tests/unit/../../collector/section_read.h:
tests/unit/../../collector/snapshot.h:
tests/unit/../../collector/section_write.h:
tests/unit/heap_stream.h:
tests/unit/../../collector/mem.h:
tests/unit/audit_model.h:
tests/unit/../../collector/buf.h:
tests/unit/heap_model.h:
tests/unit/../../collector/heap.h:
tests/unit/census_model.h:
tests/unit/../../collector/summary.h:
tests/unit/audit_stream.h:

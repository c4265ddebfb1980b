build-san/obj/tests/unit/test_verdict.o: tests/unit/test_verdict.c \
 tests/unit/../../reporter/verdict.h tests/unit/../../reporter/c_heap.h \
 tests/unit/../../reporter/moment.h \
 tests/unit/../../reporter/../collector/profile_read.h \
 tests/unit/../../reporter/../collector/err.h \
 tests/unit/../../reporter/../collector/linetable.h \
 tests/unit/../../reporter/../collector/../preload/stream.h \
 tests/unit/../../reporter/../collector/profile.h \
 tests/unit/../../reporter/../collector/section_read.h \
 tests/unit/../../reporter/../collector/buf.h \
 tests/unit/../../reporter/caption.h \
 tests/unit/../../reporter/../collector/buf.h \
 tests/unit/../../reporter/grouping.h tests/unit/../../reporter/lines.h \
 tests/unit/../../reporter/../collector/u64map.h \
 tests/unit/../../reporter/fragmentation.h \
 tests/unit/../../reporter/arenas.h tests/unit/../../reporter/pinning.h \
 tests/unit/../../reporter/release.h tests/unit/../../reporter/units.h
tests/unit/../../reporter/verdict.h:
tests/unit/../../reporter/c_heap.h:
tests/unit/../../reporter/moment.h:
tests/unit/../../reporter/../collector/profile_read.h:
tests/unit/../../reporter/../collector/err.h:
tests/unit/../../reporter/../collector/linetable.h:
tests/unit/../../reporter/../collector/../preload/stream.h:
tests/unit/../../reporter/../collector/profile.h:
tests/unit/../../reporter/../collector/section_read.h:
tests/unit/../../reporter/../collector/buf.h:
tests/unit/../../reporter/caption.h:
tests/unit/../../reporter/../collector/buf.h:
tests/unit/../../reporter/grouping.h:
tests/unit/../../reporter/lines.h:
tests/unit/../../reporter/../collector/u64map.h:
tests/unit/../../reporter/fragmentation.h:
tests/unit/../../reporter/arenas.h:
tests/unit/../../reporter/pinning.h:
tests/unit/../../reporter/release.h:
tests/unit/../../reporter/units.h:

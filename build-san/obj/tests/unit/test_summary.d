build-san/obj/tests/unit/test_summary.o: tests/unit/test_summary.c \
 tests/unit/../../collector/marks.h \
 tests/unit/../../collector/../preload/stream.h \
 tests/unit/../../collector/sites.h tests/unit/../../collector/summary.h \
 tests/unit/../../collector/arena_map.h tests/unit/../../collector/buf.h \
 tests/unit/../../collector/profile.h tests/unit/../../collector/mem.h
tests/unit/../../collector/marks.h:
tests/unit/../../collector/../preload/stream.h:
tests/unit/../../collector/sites.h:
tests/unit/../../collector/summary.h:
tests/unit/../../collector/arena_map.h:
tests/unit/../../collector/buf.h:
tests/unit/../../collector/profile.h:
tests/unit/../../collector/mem.h:

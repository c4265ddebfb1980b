build-san/obj/tests/unit/test_growth.o: tests/unit/test_growth.c \
 tests/unit/../../collector/linetable.h \
 tests/unit/../../collector/../preload/stream.h \
 tests/unit/../../collector/mem.h tests/unit/../../reporter/growth.h \
 tests/unit/../../reporter/grouping.h tests/unit/../../reporter/lines.h \
 tests/unit/../../reporter/../collector/profile_read.h \
 tests/unit/../../reporter/../collector/err.h \
 tests/unit/../../reporter/../collector/linetable.h \
 tests/unit/../../reporter/../collector/profile.h \
 tests/unit/../../reporter/../collector/../preload/stream.h \
 tests/unit/../../reporter/../collector/section_read.h \
 tests/unit/../../reporter/../collector/buf.h \
 tests/unit/../../reporter/../collector/u64map.h \
 tests/unit/../../reporter/moment.h
tests/unit/../../collector/linetable.h:
tests/unit/../../collector/../preload/stream.h:
tests/unit/../../collector/mem.h:
tests/unit/../../reporter/growth.h:
tests/unit/../../reporter/grouping.h:
tests/unit/../../reporter/lines.h:
tests/unit/../../reporter/../collector/profile_read.h:
tests/unit/../../reporter/../collector/err.h:
tests/unit/../../reporter/../collector/linetable.h:
tests/unit/../../reporter/../collector/profile.h:
tests/unit/../../reporter/../collector/../preload/stream.h:
tests/unit/../../reporter/../collector/section_read.h:
tests/unit/../../reporter/../collector/buf.h:
tests/unit/../../reporter/../collector/u64map.h:
tests/unit/../../reporter/moment.h:

build-san/obj/tests/unit/test_stacks.o: tests/unit/test_stacks.c \
 tests/unit/../../collector/stacks.h \
 tests/unit/../../collector/../preload/stream.h \
 tests/unit/../../collector/buf.h \
 tests/unit/../../collector/stream_read.h \
 tests/unit/../../collector/err.h tests/unit/../../collector/u64map.h
tests/unit/../../collector/stacks.h:
tests/unit/../../collector/../preload/stream.h:
tests/unit/../../collector/buf.h:
tests/unit/../../collector/stream_read.h:
tests/unit/../../collector/err.h:
tests/unit/../../collector/u64map.h:

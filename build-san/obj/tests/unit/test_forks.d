build-san/obj/tests/unit/test_forks.o: tests/unit/test_forks.c \
 tests/unit/../../collector/forks.h tests/unit/../../collector/buf.h \
 tests/unit/../../collector/ring.h \
 tests/unit/../../collector/../preload/stream.h \
 tests/unit/../../collector/err.h
tests/unit/../../collector/forks.h:
tests/unit/../../collector/buf.h:
tests/unit/../../collector/ring.h:
tests/unit/../../collector/../preload/stream.h:
tests/unit/../../collector/err.h:

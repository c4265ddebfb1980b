build-san/obj/tests/unit/test_ring.o: tests/unit/test_ring.c \
 tests/unit/../../collector/ring.h \
 tests/unit/../../collector/../preload/stream.h \
 tests/unit/../../collector/err.h
tests/unit/../../collector/ring.h:
tests/unit/../../collector/../preload/stream.h:
tests/unit/../../collector/err.h:

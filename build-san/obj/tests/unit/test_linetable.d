build-san/obj/tests/unit/test_linetable.o: tests/unit/test_linetable.c \
 tests/unit/../../collector/buf.h tests/unit/../../collector/linetable.h \
 tests/unit/../../collector/../preload/stream.h
tests/unit/../../collector/buf.h:
tests/unit/../../collector/linetable.h:
tests/unit/../../collector/../preload/stream.h:

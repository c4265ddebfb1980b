build-san/obj/tests/unit/test_buf.o: tests/unit/test_buf.c \
 tests/unit/../../collector/buf.h tests/unit/../../collector/err.h \
 tests/unit/../../collector/mem.h
tests/unit/../../collector/buf.h:
tests/unit/../../collector/err.h:
tests/unit/../../collector/mem.h:

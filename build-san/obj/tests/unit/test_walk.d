build-san/obj/tests/unit/test_walk.o: tests/unit/test_walk.c \
 tests/unit/../../preload/walk.h tests/unit/../../preload/python.h \
 tests/unit/../../preload/cpython_layout.h \
 tests/unit/../../preload/stream.h
tests/unit/../../preload/walk.h:
tests/unit/../../preload/python.h:
tests/unit/../../preload/cpython_layout.h:
tests/unit/../../preload/stream.h:

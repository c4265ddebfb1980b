build-san/obj/tests/unit/test_pool.o: tests/unit/test_pool.c \
 tests/unit/../../preload/pool.h
tests/unit/../../preload/pool.h:

build-san/obj/tests/unit/test_arena_map.o: tests/unit/test_arena_map.c \
 tests/unit/../../collector/arena_map.h tests/unit/../../preload/stream.h
tests/unit/../../collector/arena_map.h:
tests/unit/../../preload/stream.h:

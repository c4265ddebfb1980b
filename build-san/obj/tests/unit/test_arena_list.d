build-san/obj/tests/unit/test_arena_list.o: tests/unit/test_arena_list.c \
 tests/unit/../../preload/arenas.h
tests/unit/../../preload/arenas.h:

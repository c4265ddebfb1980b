build-san/obj/tests/unit/test_malloc_info.o: \
 tests/unit/test_malloc_info.c tests/unit/../../preload/malloc_info.h
tests/unit/../../preload/malloc_info.h:

build-san/obj/tests/unit/test_u64map.o: tests/unit/test_u64map.c \
 tests/unit/../../collector/u64map.h
tests/unit/../../collector/u64map.h:

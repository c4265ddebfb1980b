build-san/obj/tests/unit/test_mappings.o: tests/unit/test_mappings.c \
 tests/unit/../../collector/mappings.h \
 tests/unit/../../collector/u64map.h
tests/unit/../../collector/mappings.h:
tests/unit/../../collector/u64map.h:

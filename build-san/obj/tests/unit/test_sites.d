build-san/obj/tests/unit/test_sites.o: tests/unit/test_sites.c \
 tests/unit/../../collector/err.h tests/unit/../../collector/sites.h
tests/unit/../../collector/err.h:
tests/unit/../../collector/sites.h:

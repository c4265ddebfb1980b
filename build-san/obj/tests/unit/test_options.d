build-san/obj/tests/unit/test_options.o: tests/unit/test_options.c \
 tests/unit/../../preload/options.h
tests/unit/../../preload/options.h:

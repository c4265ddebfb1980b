build-san/obj/tests/unit/test_touched.o: tests/unit/test_touched.c \
 tests/unit/../../preload/touched.h
tests/unit/../../preload/touched.h:

build-san/obj/tests/unit/test_windows.o: tests/unit/test_windows.c \
 tests/unit/../../collector/windows.h
tests/unit/../../collector/windows.h:

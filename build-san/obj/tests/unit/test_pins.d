build-san/obj/tests/unit/test_pins.o: tests/unit/test_pins.c \
 tests/unit/../../collector/pins.h
tests/unit/../../collector/pins.h:

build-san/obj/tests/unit/test_words.o: tests/unit/test_words.c \
 tests/unit/../../preload/words.h
tests/unit/../../preload/words.h:

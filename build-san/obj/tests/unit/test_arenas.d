build-san/obj/tests/unit/test_arenas.o: tests/unit/test_arenas.c \
 tests/unit/../../reporter/arenas.h tests/unit/../../reporter/moment.h \
 tests/unit/../../reporter/../collector/profile_read.h \
 tests/unit/../../reporter/../collector/err.h \
 tests/unit/../../reporter/../collector/linetable.h \
 tests/unit/../../reporter/../collector/../preload/stream.h \
 tests/unit/../../reporter/../collector/profile.h \
 tests/unit/../../reporter/../collector/section_read.h \
 tests/unit/../../reporter/../collector/buf.h
tests/unit/../../reporter/arenas.h:
tests/unit/../../reporter/moment.h:
tests/unit/../../reporter/../collector/profile_read.h:
tests/unit/../../reporter/../collector/err.h:
tests/unit/../../reporter/../collector/linetable.h:
tests/unit/../../reporter/../collector/../preload/stream.h:
tests/unit/../../reporter/../collector/profile.h:
tests/unit/../../reporter/../collector/section_read.h:
tests/unit/../../reporter/../collector/buf.h:

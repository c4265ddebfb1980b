build-san/obj/tests/unit/test_section_write.o: \
 tests/unit/test_section_write.c tests/unit/../../collector/mem.h \
 tests/unit/../../collector/section_write.h \
 tests/unit/../../collector/buf.h tests/unit/../../collector/err.h \
 tests/unit/../../collector/profile.h \
 tests/unit/../../collector/../preload/stream.h
tests/unit/../../collector/mem.h:
tests/unit/../../collector/section_write.h:
tests/unit/../../collector/buf.h:
tests/unit/../../collector/err.h:
tests/unit/../../collector/profile.h:
tests/unit/../../collector/../preload/stream.h:

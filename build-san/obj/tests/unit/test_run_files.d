build-san/obj/tests/unit/test_run_files.o: tests/unit/test_run_files.c \
 tests/unit/../../collector/mem.h tests/unit/../../reporter/run_files.h \
 tests/unit/../../reporter/../collector/err.h
tests/unit/../../collector/mem.h:
tests/unit/../../reporter/run_files.h:
tests/unit/../../reporter/../collector/err.h:

build-san/obj/reporter/run_files.o: reporter/run_files.c \
 reporter/run_files.h reporter/../collector/err.h \
 reporter/../collector/buf.h reporter/../collector/mem.h \
 reporter/ring_peek.h reporter/../preload/stream.h
reporter/run_files.h:
reporter/../collector/err.h:
reporter/../collector/buf.h:
reporter/../collector/mem.h:
reporter/ring_peek.h:
reporter/../preload/stream.h:

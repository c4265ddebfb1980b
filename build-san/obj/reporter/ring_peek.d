build-san/obj/reporter/ring_peek.o: reporter/ring_peek.c \
 reporter/ring_peek.h reporter/../collector/err.h \
 reporter/../preload/stream.h
reporter/ring_peek.h:
reporter/../collector/err.h:
reporter/../preload/stream.h:

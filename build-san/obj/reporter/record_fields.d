build-san/obj/reporter/record_fields.o: reporter/record_fields.c \
 reporter/record_fields.h reporter/../collector/stream_read.h \
 reporter/../collector/../preload/stream.h reporter/../collector/buf.h \
 reporter/../collector/err.h reporter/fields.h reporter/json.h \
 reporter/../collector/mem.h
reporter/record_fields.h:
reporter/../collector/stream_read.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/buf.h:
reporter/../collector/err.h:
reporter/fields.h:
reporter/json.h:
reporter/../collector/mem.h:

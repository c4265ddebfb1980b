build-san/obj/reporter/dump_stream.o: reporter/dump_stream.c \
 reporter/dump.h reporter/../collector/profile_read.h \
 reporter/../collector/err.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/fields.h reporter/json.h \
 reporter/../collector/journal.h reporter/../collector/mem.h \
 reporter/record_fields.h reporter/../collector/stream_read.h \
 reporter/ring_peek.h reporter/../collector/err.h \
 reporter/../preload/stream.h
reporter/dump.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/fields.h:
reporter/json.h:
reporter/../collector/journal.h:
reporter/../collector/mem.h:
reporter/record_fields.h:
reporter/../collector/stream_read.h:
reporter/ring_peek.h:
reporter/../collector/err.h:
reporter/../preload/stream.h:

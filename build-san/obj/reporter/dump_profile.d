build-san/obj/reporter/dump_profile.o: reporter/dump_profile.c \
 reporter/dump.h reporter/../collector/profile_read.h \
 reporter/../collector/err.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/fields.h reporter/json.h \
 reporter/../collector/block_table.h reporter/../collector/linetable.h
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
reporter/../collector/block_table.h:
reporter/../collector/linetable.h:

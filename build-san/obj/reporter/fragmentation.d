build-san/obj/reporter/fragmentation.o: reporter/fragmentation.c \
 reporter/fragmentation.h reporter/arenas.h reporter/moment.h \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/../collector/block_table.h
reporter/fragmentation.h:
reporter/arenas.h:
reporter/moment.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/../collector/block_table.h:

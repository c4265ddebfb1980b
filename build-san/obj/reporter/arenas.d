build-san/obj/reporter/arenas.o: reporter/arenas.c reporter/arenas.h \
 reporter/moment.h reporter/../collector/profile_read.h \
 reporter/../collector/err.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/../collector/mem.h \
 reporter/../collector/u64map.h
reporter/arenas.h:
reporter/moment.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/../collector/mem.h:
reporter/../collector/u64map.h:

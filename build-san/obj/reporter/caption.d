build-san/obj/reporter/caption.o: reporter/caption.c reporter/caption.h \
 reporter/../collector/buf.h reporter/grouping.h reporter/lines.h \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/../collector/u64map.h \
 reporter/../collector/linetable.h
reporter/caption.h:
reporter/../collector/buf.h:
reporter/grouping.h:
reporter/lines.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/../collector/u64map.h:
reporter/../collector/linetable.h:

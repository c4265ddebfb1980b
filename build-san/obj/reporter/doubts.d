build-san/obj/reporter/doubts.o: reporter/doubts.c reporter/doubts.h \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/units.h
reporter/doubts.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/units.h:

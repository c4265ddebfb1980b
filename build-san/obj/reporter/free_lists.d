build-san/obj/reporter/free_lists.o: reporter/free_lists.c \
 reporter/free_lists.h reporter/../collector/profile_read.h \
 reporter/../collector/err.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h
reporter/free_lists.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:

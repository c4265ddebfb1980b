build-san/obj/reporter/probe.o: reporter/probe.c reporter/probe.h \
 reporter/../collector/mem.h reporter/executable.h \
 reporter/../collector/err.h reporter/free_lists.h \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/install.h reporter/units.h
reporter/probe.h:
reporter/../collector/mem.h:
reporter/executable.h:
reporter/../collector/err.h:
reporter/free_lists.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/install.h:
reporter/units.h:

build-san/obj/reporter/select.o: reporter/select.c reporter/select.h \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/../collector/mem.h \
 reporter/recovery.h reporter/run_files.h reporter/../collector/err.h
reporter/select.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/../collector/mem.h:
reporter/recovery.h:
reporter/run_files.h:
reporter/../collector/err.h:

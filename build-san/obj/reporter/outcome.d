build-san/obj/reporter/outcome.o: reporter/outcome.c reporter/outcome.h \
 reporter/units.h reporter/../collector/profile_read.h \
 reporter/../collector/err.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/command.h reporter/moment.h \
 reporter/run_files.h reporter/../collector/err.h
reporter/outcome.h:
reporter/units.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/command.h:
reporter/moment.h:
reporter/run_files.h:
reporter/../collector/err.h:

build-san/obj/reporter/cmd_ls.o: reporter/cmd_ls.c \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/command.h reporter/json.h \
 reporter/moment.h reporter/options.h reporter/term.h reporter/units.h \
 reporter/run_files.h reporter/../collector/err.h reporter/table.h
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/command.h:
reporter/json.h:
reporter/moment.h:
reporter/options.h:
reporter/term.h:
reporter/units.h:
reporter/run_files.h:
reporter/../collector/err.h:
reporter/table.h:

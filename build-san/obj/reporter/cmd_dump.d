build-san/obj/reporter/cmd_dump.o: reporter/cmd_dump.c \
 reporter/../collector/journal.h \
 reporter/../collector/../preload/stream.h reporter/../collector/err.h \
 reporter/../collector/mem.h reporter/command.h reporter/dump.h \
 reporter/../collector/profile_read.h reporter/../collector/linetable.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/fields.h reporter/json.h \
 reporter/options.h reporter/term.h reporter/units.h reporter/select.h
reporter/../collector/journal.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/err.h:
reporter/../collector/mem.h:
reporter/command.h:
reporter/dump.h:
reporter/../collector/profile_read.h:
reporter/../collector/linetable.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/fields.h:
reporter/json.h:
reporter/options.h:
reporter/term.h:
reporter/units.h:
reporter/select.h:

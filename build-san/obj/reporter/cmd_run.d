build-san/obj/reporter/cmd_run.o: reporter/cmd_run.c \
 reporter/../collector/buf.h reporter/../collector/mem.h reporter/child.h \
 reporter/../collector/err.h reporter/command.h reporter/executable.h \
 reporter/install.h reporter/options.h reporter/term.h reporter/units.h \
 reporter/outcome.h
reporter/../collector/buf.h:
reporter/../collector/mem.h:
reporter/child.h:
reporter/../collector/err.h:
reporter/command.h:
reporter/executable.h:
reporter/install.h:
reporter/options.h:
reporter/term.h:
reporter/units.h:
reporter/outcome.h:

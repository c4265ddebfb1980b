build-san/obj/reporter/cmd_mark.o: reporter/cmd_mark.c reporter/command.h \
 reporter/options.h reporter/term.h reporter/units.h reporter/ring_peek.h \
 reporter/../collector/err.h reporter/../preload/stream.h
reporter/command.h:
reporter/options.h:
reporter/term.h:
reporter/units.h:
reporter/ring_peek.h:
reporter/../collector/err.h:
reporter/../preload/stream.h:

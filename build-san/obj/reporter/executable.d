build-san/obj/reporter/executable.o: reporter/executable.c \
 reporter/executable.h reporter/../collector/err.h \
 reporter/../collector/buf.h reporter/../collector/mem.h \
 reporter/command.h
reporter/executable.h:
reporter/../collector/err.h:
reporter/../collector/buf.h:
reporter/../collector/mem.h:
reporter/command.h:

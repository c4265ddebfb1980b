build-san/obj/reporter/child.o: reporter/child.c reporter/child.h \
 reporter/../collector/err.h reporter/command.h
reporter/child.h:
reporter/../collector/err.h:
reporter/command.h:

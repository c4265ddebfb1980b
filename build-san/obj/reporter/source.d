build-san/obj/reporter/source.o: reporter/source.c reporter/source.h \
 reporter/term.h reporter/../collector/mem.h
reporter/source.h:
reporter/term.h:
reporter/../collector/mem.h:

build-san/obj/reporter/table.o: reporter/table.c reporter/table.h \
 reporter/term.h reporter/../collector/mem.h
reporter/table.h:
reporter/term.h:
reporter/../collector/mem.h:

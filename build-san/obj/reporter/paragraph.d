build-san/obj/reporter/paragraph.o: reporter/paragraph.c \
 reporter/paragraph.h reporter/term.h reporter/../collector/mem.h
reporter/paragraph.h:
reporter/term.h:
reporter/../collector/mem.h:

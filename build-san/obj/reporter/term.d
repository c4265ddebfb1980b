build-san/obj/reporter/term.o: reporter/term.c reporter/term.h
reporter/term.h:

build-san/obj/reporter/options.o: reporter/options.c reporter/options.h \
 reporter/term.h reporter/units.h
reporter/options.h:
reporter/term.h:
reporter/units.h:

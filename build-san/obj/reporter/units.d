build-san/obj/reporter/units.o: reporter/units.c reporter/units.h
reporter/units.h:

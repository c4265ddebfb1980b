build-san/obj/reporter/command.o: reporter/command.c reporter/command.h
reporter/command.h:

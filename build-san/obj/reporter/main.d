build-san/obj/reporter/main.o: reporter/main.c reporter/command.h
reporter/command.h:

build-san/obj/reporter/cmd_help.o: reporter/cmd_help.c reporter/command.h
reporter/command.h:

build-san/obj/reporter/cmd_doctor.o: reporter/cmd_doctor.c \
 reporter/command.h reporter/json.h reporter/options.h reporter/term.h \
 reporter/units.h reporter/probe.h
reporter/command.h:
reporter/json.h:
reporter/options.h:
reporter/term.h:
reporter/units.h:
reporter/probe.h:

build-san/obj/reporter/module_name.o: reporter/module_name.c \
 reporter/module_name.h reporter/../collector/mem.h
reporter/module_name.h:
reporter/../collector/mem.h:

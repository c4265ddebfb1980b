build-san/obj/reporter/json.o: reporter/json.c reporter/json.h
reporter/json.h:

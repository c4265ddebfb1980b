build-san/obj/reporter/map_draw.o: reporter/map_draw.c \
 reporter/map_draw.h reporter/term.h
reporter/map_draw.h:
reporter/term.h:

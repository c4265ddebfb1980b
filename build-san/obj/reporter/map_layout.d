build-san/obj/reporter/map_layout.o: reporter/map_layout.c \
 reporter/map_layout.h
reporter/map_layout.h:

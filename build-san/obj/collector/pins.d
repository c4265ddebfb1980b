build-san/obj/collector/pins.o: collector/pins.c collector/pins.h \
 collector/mem.h
collector/pins.h:
collector/mem.h:

build-san/obj/preload/memory.o: preload/memory.c preload/memory.h
preload/memory.h:

build-san/obj/preload/arenas.o: preload/arenas.c preload/arenas.h \
 preload/memory.h preload/spin.h
preload/arenas.h:
preload/memory.h:
preload/spin.h:

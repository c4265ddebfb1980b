build-san/obj/preload/pool.o: preload/pool.c preload/pool.h
preload/pool.h:

build-san/obj/preload/touched.o: preload/touched.c preload/touched.h
preload/touched.h:

build-san/obj/preload/malloc_info.o: preload/malloc_info.c \
 preload/malloc_info.h
preload/malloc_info.h:

build-san/obj/collector/arena_map.o: collector/arena_map.c \
 collector/arena_map.h collector/../preload/stream.h collector/mem.h
collector/arena_map.h:
collector/../preload/stream.h:
collector/mem.h:

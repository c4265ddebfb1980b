build-san/obj/collector/summary.o: collector/summary.c \
 collector/summary.h collector/arena_map.h collector/buf.h \
 collector/profile.h collector/../preload/stream.h collector/mem.h
collector/summary.h:
collector/arena_map.h:
collector/buf.h:
collector/profile.h:
collector/../preload/stream.h:
collector/mem.h:

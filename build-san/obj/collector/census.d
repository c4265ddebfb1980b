build-san/obj/collector/census.o: collector/census.c collector/census.h \
 collector/pins.h collector/pulse.h collector/summary.h \
 collector/arena_map.h collector/buf.h collector/profile.h \
 collector/../preload/stream.h collector/mem.h
collector/census.h:
collector/pins.h:
collector/pulse.h:
collector/summary.h:
collector/arena_map.h:
collector/buf.h:
collector/profile.h:
collector/../preload/stream.h:
collector/mem.h:

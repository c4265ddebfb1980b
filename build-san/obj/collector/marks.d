build-san/obj/collector/marks.o: collector/marks.c collector/marks.h \
 collector/../preload/stream.h collector/sites.h collector/summary.h \
 collector/arena_map.h collector/buf.h collector/profile.h \
 collector/mem.h
collector/marks.h:
collector/../preload/stream.h:
collector/sites.h:
collector/summary.h:
collector/arena_map.h:
collector/buf.h:
collector/profile.h:
collector/mem.h:

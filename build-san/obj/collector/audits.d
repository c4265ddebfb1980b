build-san/obj/collector/audits.o: collector/audits.c collector/audits.h \
 collector/arena_map.h collector/profile.h collector/../preload/stream.h \
 collector/mem.h collector/stream_read.h collector/buf.h collector/err.h
collector/audits.h:
collector/arena_map.h:
collector/profile.h:
collector/../preload/stream.h:
collector/mem.h:
collector/stream_read.h:
collector/buf.h:
collector/err.h:

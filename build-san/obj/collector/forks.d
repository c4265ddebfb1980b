build-san/obj/collector/forks.o: collector/forks.c collector/forks.h \
 collector/buf.h collector/ring.h collector/../preload/stream.h \
 collector/err.h collector/mem.h
collector/forks.h:
collector/buf.h:
collector/ring.h:
collector/../preload/stream.h:
collector/err.h:
collector/mem.h:

build-san/obj/collector/ring.o: collector/ring.c collector/ring.h \
 collector/../preload/stream.h collector/err.h collector/stream_read.h \
 collector/buf.h
collector/ring.h:
collector/../preload/stream.h:
collector/err.h:
collector/stream_read.h:
collector/buf.h:

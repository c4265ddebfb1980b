build-san/obj/collector/stream_read.o: collector/stream_read.c \
 collector/stream_read.h collector/../preload/stream.h collector/buf.h \
 collector/err.h
collector/stream_read.h:
collector/../preload/stream.h:
collector/buf.h:
collector/err.h:

build-san/obj/collector/stream_check.o: collector/stream_check.c \
 collector/stream_read.h collector/../preload/stream.h collector/buf.h \
 collector/err.h
collector/stream_read.h:
collector/../preload/stream.h:
collector/buf.h:
collector/err.h:

build-san/obj/collector/stacks.o: collector/stacks.c collector/stacks.h \
 collector/../preload/stream.h collector/buf.h collector/stream_read.h \
 collector/err.h collector/u64map.h collector/linetable.h collector/mem.h
collector/stacks.h:
collector/../preload/stream.h:
collector/buf.h:
collector/stream_read.h:
collector/err.h:
collector/u64map.h:
collector/linetable.h:
collector/mem.h:

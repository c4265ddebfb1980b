build-san/obj/collector/columns.o: collector/columns.c \
 collector/columns.h collector/../preload/stream.h collector/err.h \
 collector/mem.h
collector/columns.h:
collector/../preload/stream.h:
collector/err.h:
collector/mem.h:

build-san/obj/collector/section_read.o: collector/section_read.c \
 collector/section_read.h collector/buf.h collector/err.h \
 collector/profile.h collector/../preload/stream.h collector/mem.h
collector/section_read.h:
collector/buf.h:
collector/err.h:
collector/profile.h:
collector/../preload/stream.h:
collector/mem.h:

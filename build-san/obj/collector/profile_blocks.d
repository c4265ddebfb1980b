build-san/obj/collector/profile_blocks.o: collector/profile_blocks.c \
 collector/profile_read.h collector/err.h collector/linetable.h \
 collector/../preload/stream.h collector/profile.h \
 collector/section_read.h collector/buf.h collector/mem.h
collector/profile_read.h:
collector/err.h:
collector/linetable.h:
collector/../preload/stream.h:
collector/profile.h:
collector/section_read.h:
collector/buf.h:
collector/mem.h:

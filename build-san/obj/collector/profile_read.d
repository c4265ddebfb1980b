build-san/obj/collector/profile_read.o: collector/profile_read.c \
 collector/profile_read.h collector/err.h collector/linetable.h \
 collector/../preload/stream.h collector/profile.h \
 collector/section_read.h collector/buf.h collector/mem.h \
 collector/profile_check.h
collector/profile_read.h:
collector/err.h:
collector/linetable.h:
collector/../preload/stream.h:
collector/profile.h:
collector/section_read.h:
collector/buf.h:
collector/mem.h:
collector/profile_check.h:

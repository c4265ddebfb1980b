build-san/obj/collector/profile_query.o: collector/profile_query.c \
 collector/profile_read.h collector/err.h collector/linetable.h \
 collector/../preload/stream.h collector/profile.h \
 collector/section_read.h collector/buf.h
collector/profile_read.h:
collector/err.h:
collector/linetable.h:
collector/../preload/stream.h:
collector/profile.h:
collector/section_read.h:
collector/buf.h:

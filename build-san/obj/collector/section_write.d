build-san/obj/collector/section_write.o: collector/section_write.c \
 collector/section_write.h collector/buf.h collector/err.h \
 collector/profile.h collector/../preload/stream.h collector/mem.h
collector/section_write.h:
collector/buf.h:
collector/err.h:
collector/profile.h:
collector/../preload/stream.h:
collector/mem.h:

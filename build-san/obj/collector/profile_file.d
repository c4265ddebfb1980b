build-san/obj/collector/profile_file.o: collector/profile_file.c \
 collector/profile_file.h collector/profile.h \
 collector/../preload/stream.h collector/section_write.h collector/buf.h \
 collector/err.h collector/mem.h
collector/profile_file.h:
collector/profile.h:
collector/../preload/stream.h:
collector/section_write.h:
collector/buf.h:
collector/err.h:
collector/mem.h:

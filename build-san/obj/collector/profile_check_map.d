build-san/obj/collector/profile_check_map.o: \
 collector/profile_check_map.c collector/profile_check.h \
 collector/profile_read.h collector/err.h collector/linetable.h \
 collector/../preload/stream.h collector/profile.h \
 collector/section_read.h collector/buf.h collector/arena_map.h
collector/profile_check.h:
collector/profile_read.h:
collector/err.h:
collector/linetable.h:
collector/../preload/stream.h:
collector/profile.h:
collector/section_read.h:
collector/buf.h:
collector/arena_map.h:

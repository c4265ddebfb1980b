build-san/obj/collector/text_pool.o: collector/text_pool.c \
 collector/text_pool.h collector/buf.h collector/u64map.h \
 collector/profile.h collector/../preload/stream.h
collector/text_pool.h:
collector/buf.h:
collector/u64map.h:
collector/profile.h:
collector/../preload/stream.h:

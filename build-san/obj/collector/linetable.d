build-san/obj/collector/linetable.o: collector/linetable.c \
 collector/linetable.h collector/../preload/stream.h
collector/linetable.h:
collector/../preload/stream.h:

build-san/obj/collector/profile.o: collector/profile.c \
 collector/profile.h collector/../preload/stream.h
collector/profile.h:
collector/../preload/stream.h:

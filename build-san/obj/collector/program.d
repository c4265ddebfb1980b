build-san/obj/collector/program.o: collector/program.c \
 collector/program.h collector/../preload/stream.h
collector/program.h:
collector/../preload/stream.h:

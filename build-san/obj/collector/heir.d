build-san/obj/collector/heir.o: collector/heir.c collector/heir.h \
 collector/ring.h collector/../preload/stream.h collector/err.h \
 collector/program.h
collector/heir.h:
collector/ring.h:
collector/../preload/stream.h:
collector/err.h:
collector/program.h:

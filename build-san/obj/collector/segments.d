build-san/obj/collector/segments.o: collector/segments.c \
 collector/segments.h collector/buf.h
collector/segments.h:
collector/buf.h:

build-san/obj/collector/buf.o: collector/buf.c collector/buf.h \
 collector/mem.h
collector/buf.h:
collector/mem.h:

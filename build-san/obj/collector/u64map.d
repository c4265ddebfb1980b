build-san/obj/collector/u64map.o: collector/u64map.c collector/u64map.h \
 collector/mem.h
collector/u64map.h:
collector/mem.h:

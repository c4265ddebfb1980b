build-san/obj/collector/mappings.o: collector/mappings.c \
 collector/mappings.h collector/u64map.h collector/mem.h
collector/mappings.h:
collector/u64map.h:
collector/mem.h:

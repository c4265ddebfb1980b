build-san/obj/collector/reallocs.o: collector/reallocs.c \
 collector/reallocs.h collector/arena_map.h collector/block_table.h \
 collector/u64map.h collector/mem.h
collector/reallocs.h:
collector/arena_map.h:
collector/block_table.h:
collector/u64map.h:
collector/mem.h:

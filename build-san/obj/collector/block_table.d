build-san/obj/collector/block_table.o: collector/block_table.c \
 collector/block_table.h collector/mem.h
collector/block_table.h:
collector/mem.h:

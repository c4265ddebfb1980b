build-san/obj/collector/journal_read.o: collector/journal_read.c \
 collector/journal.h collector/../preload/stream.h collector/err.h \
 collector/columns.h collector/journal_sum.h collector/mem.h
collector/journal.h:
collector/../preload/stream.h:
collector/err.h:
collector/columns.h:
collector/journal_sum.h:
collector/mem.h:

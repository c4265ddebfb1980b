build-san/obj/collector/sites.o: collector/sites.c collector/sites.h \
 collector/err.h collector/mem.h
collector/sites.h:
collector/err.h:
collector/mem.h:

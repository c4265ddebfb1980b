build-san/obj/collector/log.o: collector/log.c collector/log.h \
 collector/err.h
collector/log.h:
collector/err.h:

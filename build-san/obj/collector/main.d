build-san/obj/collector/main.o: collector/main.c collector/checkpoint.h \
 collector/err.h collector/run.h
collector/checkpoint.h:
collector/err.h:
collector/run.h:

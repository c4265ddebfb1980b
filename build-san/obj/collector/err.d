build-san/obj/collector/err.o: collector/err.c collector/err.h
collector/err.h:

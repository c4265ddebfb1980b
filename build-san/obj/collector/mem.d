build-san/obj/collector/mem.o: collector/mem.c collector/mem.h
collector/mem.h:

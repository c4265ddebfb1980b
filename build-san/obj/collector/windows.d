build-san/obj/collector/windows.o: collector/windows.c \
 collector/windows.h collector/mem.h
collector/windows.h:
collector/mem.h:

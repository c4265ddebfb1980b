build-san/obj/preload/ring.o: preload/ring.c preload/ring.h \
 preload/stream.h preload/memory.h preload/proc.h preload/spin.h
preload/ring.h:
preload/stream.h:
preload/memory.h:
preload/proc.h:
preload/spin.h:

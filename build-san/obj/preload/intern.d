build-san/obj/preload/intern.o: preload/intern.c preload/intern.h \
 preload/stream.h preload/memory.h preload/ring.h preload/spin.h
preload/intern.h:
preload/stream.h:
preload/memory.h:
preload/ring.h:
preload/spin.h:

build-san/obj/preload/cancel.o: preload/cancel.c preload/cancel.h \
 preload/stream.h preload/ring.h preload/spin.h
preload/cancel.h:
preload/stream.h:
preload/ring.h:
preload/spin.h:

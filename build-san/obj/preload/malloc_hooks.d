build-san/obj/preload/malloc_hooks.o: preload/malloc_hooks.c \
 preload/exports.h preload/life.h preload/stream.h preload/real.h \
 preload/tap.h preload/watch.h
preload/exports.h:
preload/life.h:
preload/stream.h:
preload/real.h:
preload/tap.h:
preload/watch.h:

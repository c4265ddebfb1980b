build-san/obj/preload/mmap_hooks.o: preload/mmap_hooks.c \
 preload/exports.h preload/life.h preload/stream.h preload/real.h \
 preload/tap.h
preload/exports.h:
preload/life.h:
preload/stream.h:
preload/real.h:
preload/tap.h:

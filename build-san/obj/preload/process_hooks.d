build-san/obj/preload/process_hooks.o: preload/process_hooks.c \
 preload/exports.h preload/life.h preload/stream.h preload/real.h
preload/exports.h:
preload/life.h:
preload/stream.h:
preload/real.h:

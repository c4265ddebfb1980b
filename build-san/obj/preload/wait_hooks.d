build-san/obj/preload/wait_hooks.o: preload/wait_hooks.c \
 preload/exports.h preload/life.h preload/stream.h preload/real.h \
 preload/ring.h preload/words.h
preload/exports.h:
preload/life.h:
preload/stream.h:
preload/real.h:
preload/ring.h:
preload/words.h:

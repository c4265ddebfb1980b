build-san/obj/preload/late.o: preload/late.c preload/late.h \
 preload/exports.h preload/life.h preload/stream.h preload/real.h \
 preload/thread.h preload/walk.h preload/python.h \
 preload/cpython_layout.h preload/watch.h preload/words.h
preload/late.h:
preload/exports.h:
preload/life.h:
preload/stream.h:
preload/real.h:
preload/thread.h:
preload/walk.h:
preload/python.h:
preload/cpython_layout.h:
preload/watch.h:
preload/words.h:

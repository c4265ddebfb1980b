build-san/obj/preload/reuse.o: preload/reuse.c preload/reuse.h \
 preload/intern.h preload/stream.h preload/life.h preload/python.h \
 preload/cpython_layout.h preload/ring.h preload/tap.h preload/thread.h \
 preload/walk.h
preload/reuse.h:
preload/intern.h:
preload/stream.h:
preload/life.h:
preload/python.h:
preload/cpython_layout.h:
preload/ring.h:
preload/tap.h:
preload/thread.h:
preload/walk.h:

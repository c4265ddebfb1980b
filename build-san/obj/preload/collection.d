build-san/obj/preload/collection.o: preload/collection.c \
 preload/collection.h preload/python.h preload/cpython_layout.h \
 preload/stream.h preload/tap.h preload/thread.h preload/walk.h \
 preload/life.h preload/pystack.h preload/intern.h preload/ring.h
preload/collection.h:
preload/python.h:
preload/cpython_layout.h:
preload/stream.h:
preload/tap.h:
preload/thread.h:
preload/walk.h:
preload/life.h:
preload/pystack.h:
preload/intern.h:
preload/ring.h:

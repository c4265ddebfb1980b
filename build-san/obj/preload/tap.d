build-san/obj/preload/tap.o: preload/tap.c preload/tap.h preload/stream.h \
 preload/audit.h preload/cancel.h preload/collection.h preload/python.h \
 preload/cpython_layout.h preload/thread.h preload/walk.h \
 preload/intern.h preload/life.h preload/mark.h preload/pystack.h \
 preload/ring.h
preload/tap.h:
preload/stream.h:
preload/audit.h:
preload/cancel.h:
preload/collection.h:
preload/python.h:
preload/cpython_layout.h:
preload/thread.h:
preload/walk.h:
preload/intern.h:
preload/life.h:
preload/mark.h:
preload/pystack.h:
preload/ring.h:

build-san/obj/preload/python_hooks.o: preload/python_hooks.c \
 preload/python_hooks.h preload/audit.h preload/collection.h \
 preload/python.h preload/cpython_layout.h preload/stream.h preload/tap.h \
 preload/thread.h preload/walk.h preload/life.h preload/quick.h \
 preload/cancel.h preload/intern.h preload/pystack.h preload/ring.h \
 preload/reuse.h preload/watch.h
preload/python_hooks.h:
preload/audit.h:
preload/collection.h:
preload/python.h:
preload/cpython_layout.h:
preload/stream.h:
preload/tap.h:
preload/thread.h:
preload/walk.h:
preload/life.h:
preload/quick.h:
preload/cancel.h:
preload/intern.h:
preload/pystack.h:
preload/ring.h:
preload/reuse.h:
preload/watch.h:

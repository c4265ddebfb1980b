build-san/obj/preload/family.o: preload/family.c preload/family.h \
 preload/stream.h preload/arenas.h preload/audit.h preload/cancel.h \
 preload/intern.h preload/life.h preload/ring.h preload/thread.h \
 preload/walk.h preload/python.h preload/cpython_layout.h
preload/family.h:
preload/stream.h:
preload/arenas.h:
preload/audit.h:
preload/cancel.h:
preload/intern.h:
preload/life.h:
preload/ring.h:
preload/thread.h:
preload/walk.h:
preload/python.h:
preload/cpython_layout.h:

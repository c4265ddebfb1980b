build-san/obj/preload/audit.o: preload/audit.c preload/audit.h \
 preload/arenas.h preload/cancel.h preload/stream.h preload/intern.h \
 preload/life.h preload/pool.h preload/python.h preload/cpython_layout.h \
 preload/ring.h preload/spin.h preload/tap.h preload/thread.h \
 preload/walk.h preload/touched.h preload/words.h
preload/audit.h:
preload/arenas.h:
preload/cancel.h:
preload/stream.h:
preload/intern.h:
preload/life.h:
preload/pool.h:
preload/python.h:
preload/cpython_layout.h:
preload/ring.h:
preload/spin.h:
preload/tap.h:
preload/thread.h:
preload/walk.h:
preload/touched.h:
preload/words.h:

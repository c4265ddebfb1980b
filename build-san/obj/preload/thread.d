build-san/obj/preload/thread.o: preload/thread.c preload/thread.h \
 preload/stream.h preload/walk.h preload/python.h \
 preload/cpython_layout.h preload/memory.h preload/intern.h \
 preload/spin.h
preload/thread.h:
preload/stream.h:
preload/walk.h:
preload/python.h:
preload/cpython_layout.h:
preload/memory.h:
preload/intern.h:
preload/spin.h:

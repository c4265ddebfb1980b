build-san/obj/preload/mark.o: preload/mark.c preload/mark.h \
 preload/stream.h preload/audit.h preload/c_heap.h preload/cancel.h \
 preload/intern.h preload/life.h preload/proc.h preload/real.h \
 preload/ring.h preload/thread.h preload/walk.h preload/python.h \
 preload/cpython_layout.h
preload/mark.h:
preload/stream.h:
preload/audit.h:
preload/c_heap.h:
preload/cancel.h:
preload/intern.h:
preload/life.h:
preload/proc.h:
preload/real.h:
preload/ring.h:
preload/thread.h:
preload/walk.h:
preload/python.h:
preload/cpython_layout.h:

build-san/obj/preload/pystack.o: preload/pystack.c preload/pystack.h \
 preload/intern.h preload/stream.h preload/python.h \
 preload/cpython_layout.h preload/thread.h preload/walk.h \
 preload/code_text.h preload/codecopy.h preload/ring.h
preload/pystack.h:
preload/intern.h:
preload/stream.h:
preload/python.h:
preload/cpython_layout.h:
preload/thread.h:
preload/walk.h:
preload/code_text.h:
preload/codecopy.h:
preload/ring.h:

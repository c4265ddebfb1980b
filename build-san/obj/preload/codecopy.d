build-san/obj/preload/codecopy.o: preload/codecopy.c preload/codecopy.h \
 preload/intern.h preload/stream.h preload/python.h \
 preload/cpython_layout.h
preload/codecopy.h:
preload/intern.h:
preload/stream.h:
preload/python.h:
preload/cpython_layout.h:

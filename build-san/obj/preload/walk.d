build-san/obj/preload/walk.o: preload/walk.c preload/walk.h \
 preload/python.h preload/cpython_layout.h preload/stream.h
preload/walk.h:
preload/python.h:
preload/cpython_layout.h:
preload/stream.h:

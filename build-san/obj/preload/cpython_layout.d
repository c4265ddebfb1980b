build-san/obj/preload/cpython_layout.o: preload/cpython_layout.c \
 preload/cpython_layout.h preload/stream.h
preload/cpython_layout.h:
preload/stream.h:

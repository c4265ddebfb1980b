build-san/obj/preload/python.o: preload/python.c preload/python.h \
 preload/cpython_layout.h
preload/python.h:
preload/cpython_layout.h:

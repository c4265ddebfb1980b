build-san/obj/preload/facts.o: preload/facts.c preload/facts.h \
 preload/intern.h preload/stream.h preload/python.h \
 preload/cpython_layout.h preload/ring.h preload/words.h
preload/facts.h:
preload/intern.h:
preload/stream.h:
preload/python.h:
preload/cpython_layout.h:
preload/ring.h:
preload/words.h:

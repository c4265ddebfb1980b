build-san/obj/preload/code_text.o: preload/code_text.c \
 preload/code_text.h preload/intern.h preload/stream.h preload/thread.h \
 preload/walk.h preload/python.h preload/cpython_layout.h preload/words.h
preload/code_text.h:
preload/intern.h:
preload/stream.h:
preload/thread.h:
preload/walk.h:
preload/python.h:
preload/cpython_layout.h:
preload/words.h:

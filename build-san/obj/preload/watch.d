build-san/obj/preload/watch.o: preload/watch.c preload/watch.h \
 preload/late.h preload/python_hooks.h
preload/watch.h:
preload/late.h:
preload/python_hooks.h:

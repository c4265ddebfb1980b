build-san/obj/preload/launch.o: preload/launch.c preload/launch.h \
 preload/options.h preload/c_heap.h preload/facts.h preload/family.h \
 preload/stream.h preload/mark.h preload/output.h preload/proc.h \
 preload/ring.h preload/say.h preload/spawn.h preload/thread.h \
 preload/walk.h preload/python.h preload/cpython_layout.h preload/tree.h \
 preload/words.h
preload/launch.h:
preload/options.h:
preload/c_heap.h:
preload/facts.h:
preload/family.h:
preload/stream.h:
preload/mark.h:
preload/output.h:
preload/proc.h:
preload/ring.h:
preload/say.h:
preload/spawn.h:
preload/thread.h:
preload/walk.h:
preload/python.h:
preload/cpython_layout.h:
preload/tree.h:
preload/words.h:

build-san/obj/preload/life.o: preload/life.c preload/life.h \
 preload/stream.h preload/audit.h preload/c_heap.h preload/cancel.h \
 preload/collection.h preload/python.h preload/cpython_layout.h \
 preload/tap.h preload/thread.h preload/walk.h preload/exports.h \
 preload/facts.h preload/family.h preload/late.h preload/launch.h \
 preload/options.h preload/mark.h preload/memory.h preload/output.h \
 preload/python_hooks.h preload/pystack.h preload/intern.h preload/real.h \
 preload/reuse.h preload/ring.h preload/say.h
preload/life.h:
preload/stream.h:
preload/audit.h:
preload/c_heap.h:
preload/cancel.h:
preload/collection.h:
preload/python.h:
preload/cpython_layout.h:
preload/tap.h:
preload/thread.h:
preload/walk.h:
preload/exports.h:
preload/facts.h:
preload/family.h:
preload/late.h:
preload/launch.h:
preload/options.h:
preload/mark.h:
preload/memory.h:
preload/output.h:
preload/python_hooks.h:
preload/pystack.h:
preload/intern.h:
preload/real.h:
preload/reuse.h:
preload/ring.h:
preload/say.h:

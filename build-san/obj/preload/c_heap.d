build-san/obj/preload/c_heap.o: preload/c_heap.c preload/c_heap.h \
 preload/facts.h preload/malloc_info.h preload/real.h preload/words.h
preload/c_heap.h:
preload/facts.h:
preload/malloc_info.h:
preload/real.h:
preload/words.h:

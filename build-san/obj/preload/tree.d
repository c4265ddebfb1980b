build-san/obj/preload/tree.o: preload/tree.c preload/tree.h \
 preload/stream.h preload/proc.h preload/words.h
preload/tree.h:
preload/stream.h:
preload/proc.h:
preload/words.h:

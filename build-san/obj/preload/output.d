build-san/obj/preload/output.o: preload/output.c preload/output.h \
 preload/ring.h preload/stream.h preload/say.h preload/words.h
preload/output.h:
preload/ring.h:
preload/stream.h:
preload/say.h:
preload/words.h:

build-san/obj/preload/spawn.o: preload/spawn.c preload/spawn.h \
 preload/options.h preload/memory.h preload/real.h preload/ring.h \
 preload/stream.h preload/say.h preload/words.h
preload/spawn.h:
preload/options.h:
preload/memory.h:
preload/real.h:
preload/ring.h:
preload/stream.h:
preload/say.h:
preload/words.h:

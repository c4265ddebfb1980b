build-san/obj/preload/say.o: preload/say.c preload/say.h preload/words.h
preload/say.h:
preload/words.h:

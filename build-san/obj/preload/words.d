build-san/obj/preload/words.o: preload/words.c preload/words.h
preload/words.h:

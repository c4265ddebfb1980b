build-san/obj/preload/proc.o: preload/proc.c preload/proc.h \
 preload/words.h
preload/proc.h:
preload/words.h:

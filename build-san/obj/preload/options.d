build-san/obj/preload/options.o: preload/options.c preload/options.h \
 preload/say.h
preload/options.h:
preload/say.h:

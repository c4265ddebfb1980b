build-san/obj/tests/san/options.o: tests/san/options.c

build-san/obj/reporter/install.o: reporter/install.c reporter/install.h \
 reporter/../collector/err.h reporter/../collector/buf.h \
 reporter/../collector/mem.h
reporter/install.h:
reporter/../collector/err.h:
reporter/../collector/buf.h:
reporter/../collector/mem.h:

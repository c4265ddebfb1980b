build-san/obj/reporter/release.o: reporter/release.c reporter/release.h \
 reporter/../collector/mem.h
reporter/release.h:
reporter/../collector/mem.h:

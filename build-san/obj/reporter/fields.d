build-san/obj/reporter/fields.o: reporter/fields.c reporter/fields.h \
 reporter/json.h reporter/../collector/profile.h \
 reporter/../collector/../preload/stream.h
reporter/fields.h:
reporter/json.h:
reporter/../collector/profile.h:
reporter/../collector/../preload/stream.h:

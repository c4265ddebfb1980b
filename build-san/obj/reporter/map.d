build-san/obj/reporter/map.o: reporter/map.c reporter/map.h \
 reporter/map_draw.h reporter/term.h reporter/pinning.h reporter/arenas.h \
 reporter/moment.h reporter/../collector/profile_read.h \
 reporter/../collector/err.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/grouping.h reporter/lines.h \
 reporter/../collector/u64map.h reporter/release.h \
 reporter/../collector/mem.h reporter/fragmentation.h \
 reporter/short_names.h
reporter/map.h:
reporter/map_draw.h:
reporter/term.h:
reporter/pinning.h:
reporter/arenas.h:
reporter/moment.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/grouping.h:
reporter/lines.h:
reporter/../collector/u64map.h:
reporter/release.h:
reporter/../collector/mem.h:
reporter/fragmentation.h:
reporter/short_names.h:

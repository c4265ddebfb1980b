build-san/obj/reporter/map_json.o: reporter/map_json.c \
 reporter/map_json.h reporter/json.h reporter/map_pools.h reporter/map.h \
 reporter/map_draw.h reporter/term.h reporter/pinning.h reporter/arenas.h \
 reporter/moment.h reporter/../collector/profile_read.h \
 reporter/../collector/err.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/grouping.h reporter/lines.h \
 reporter/../collector/u64map.h reporter/release.h \
 reporter/../collector/linetable.h reporter/doubts.h
reporter/map_json.h:
reporter/json.h:
reporter/map_pools.h:
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
reporter/../collector/linetable.h:
reporter/doubts.h:

build-san/obj/reporter/map_text_head.o: reporter/map_text_head.c \
 reporter/../collector/buf.h reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h reporter/doubts.h \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h reporter/../collector/profile.h \
 reporter/../collector/section_read.h reporter/../collector/buf.h \
 reporter/map_text.h reporter/map_fold.h reporter/map.h \
 reporter/map_draw.h reporter/term.h reporter/pinning.h reporter/arenas.h \
 reporter/moment.h reporter/grouping.h reporter/lines.h \
 reporter/../collector/u64map.h reporter/release.h reporter/map_pools.h \
 reporter/units.h reporter/paragraph.h reporter/source.h
reporter/../collector/buf.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/doubts.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/map_text.h:
reporter/map_fold.h:
reporter/map.h:
reporter/map_draw.h:
reporter/term.h:
reporter/pinning.h:
reporter/arenas.h:
reporter/moment.h:
reporter/grouping.h:
reporter/lines.h:
reporter/../collector/u64map.h:
reporter/release.h:
reporter/map_pools.h:
reporter/units.h:
reporter/paragraph.h:
reporter/source.h:

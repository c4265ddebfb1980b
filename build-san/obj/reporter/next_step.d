build-san/obj/reporter/next_step.o: reporter/next_step.c \
 reporter/next_step.h reporter/../collector/buf.h reporter/report.h \
 reporter/caption.h reporter/grouping.h reporter/lines.h \
 reporter/../collector/profile_read.h reporter/../collector/err.h \
 reporter/../collector/linetable.h \
 reporter/../collector/../preload/stream.h \
 reporter/../collector/profile.h reporter/../collector/section_read.h \
 reporter/../collector/buf.h reporter/../collector/u64map.h \
 reporter/fragmentation.h reporter/arenas.h reporter/moment.h \
 reporter/growth.h reporter/json.h reporter/pinning.h reporter/release.h \
 reporter/term.h reporter/units.h reporter/verdict.h reporter/c_heap.h \
 reporter/../collector/linetable.h
reporter/next_step.h:
reporter/../collector/buf.h:
reporter/report.h:
reporter/caption.h:
reporter/grouping.h:
reporter/lines.h:
reporter/../collector/profile_read.h:
reporter/../collector/err.h:
reporter/../collector/linetable.h:
reporter/../collector/../preload/stream.h:
reporter/../collector/profile.h:
reporter/../collector/section_read.h:
reporter/../collector/buf.h:
reporter/../collector/u64map.h:
reporter/fragmentation.h:
reporter/arenas.h:
reporter/moment.h:
reporter/growth.h:
reporter/json.h:
reporter/pinning.h:
reporter/release.h:
reporter/term.h:
reporter/units.h:
reporter/verdict.h:
reporter/c_heap.h:
reporter/../collector/linetable.h:

build-san/obj/tests/unit/test_map_damage.o: tests/unit/test_map_damage.c \
 tests/unit/../../collector/mem.h tests/unit/../../reporter/map_json.h \
 tests/unit/../../reporter/json.h tests/unit/../../reporter/map_pools.h \
 tests/unit/../../reporter/map.h tests/unit/../../reporter/map_draw.h \
 tests/unit/../../reporter/term.h tests/unit/../../reporter/pinning.h \
 tests/unit/../../reporter/arenas.h tests/unit/../../reporter/moment.h \
 tests/unit/../../reporter/../collector/profile_read.h \
 tests/unit/../../reporter/../collector/err.h \
 tests/unit/../../reporter/../collector/linetable.h \
 tests/unit/../../reporter/../collector/../preload/stream.h \
 tests/unit/../../reporter/../collector/profile.h \
 tests/unit/../../reporter/../collector/section_read.h \
 tests/unit/../../reporter/../collector/buf.h \
 tests/unit/../../reporter/grouping.h tests/unit/../../reporter/lines.h \
 tests/unit/../../reporter/../collector/u64map.h \
 tests/unit/../../reporter/release.h tests/unit/../../reporter/map_text.h \
 tests/unit/../../reporter/map_fold.h tests/unit/../../reporter/units.h
tests/unit/../../collector/mem.h:
tests/unit/../../reporter/map_json.h:
tests/unit/../../reporter/json.h:
tests/unit/../../reporter/map_pools.h:
tests/unit/../../reporter/map.h:
tests/unit/../../reporter/map_draw.h:
tests/unit/../../reporter/term.h:
tests/unit/../../reporter/pinning.h:
tests/unit/../../reporter/arenas.h:
tests/unit/../../reporter/moment.h:
tests/unit/../../reporter/../collector/profile_read.h:
tests/unit/../../reporter/../collector/err.h:
tests/unit/../../reporter/../collector/linetable.h:
tests/unit/../../reporter/../collector/../preload/stream.h:
tests/unit/../../reporter/../collector/profile.h:
tests/unit/../../reporter/../collector/section_read.h:
tests/unit/../../reporter/../collector/buf.h:
tests/unit/../../reporter/grouping.h:
tests/unit/../../reporter/lines.h:
tests/unit/../../reporter/../collector/u64map.h:
tests/unit/../../reporter/release.h:
tests/unit/../../reporter/map_text.h:
tests/unit/../../reporter/map_fold.h:
tests/unit/../../reporter/units.h:

build-san/obj/tests/unit/test_reporter_text.o: \
 tests/unit/test_reporter_text.c tests/unit/../../reporter/json.h \
 tests/unit/../../reporter/module_name.h \
 tests/unit/../../reporter/paragraph.h tests/unit/../../reporter/term.h \
 tests/unit/../../reporter/table.h tests/unit/../../reporter/units.h
tests/unit/../../reporter/json.h:
tests/unit/../../reporter/module_name.h:
tests/unit/../../reporter/paragraph.h:
tests/unit/../../reporter/term.h:
tests/unit/../../reporter/table.h:
tests/unit/../../reporter/units.h:

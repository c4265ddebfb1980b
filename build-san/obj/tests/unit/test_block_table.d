build-san/obj/tests/unit/test_block_table.o: \
 tests/unit/test_block_table.c tests/unit/../../collector/block_table.h
tests/unit/../../collector/block_table.h:

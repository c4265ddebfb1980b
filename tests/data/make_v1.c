/*
 * Writes tests/data/v1.memtrace, the profile of tests/unit/heap_by_hand.h in version 1 of the
 * format. It was run once; the file stays as it is, so that a later reader that can't read it
 * any more is noticed. From the top of the tree:
 *
 *	cc -std=gnu17 -D_GNU_SOURCE -o /tmp/make_v1 tests/data/make_v1.c \
 *		$(ls collector/[a-z]*.c | grep -v main.c) -lzstd
 *	/tmp/make_v1 tests/data/v1.memtrace
 */
#include <stdio.h>

#include "../unit/heap_by_hand.h"

int main(int argc, char **argv)
{
	struct err err = {"usage: make_v1 PATH"};
	struct hand hand;
	int status = -1;

	if (hand_init(&hand) && argc == 2)
		status = profile_write(argv[1], &hand.heap, &hand_identity, &hand_result, &err);
	if (status)
		fprintf(stderr, "%s\n", err.text);
	hand_release(&hand);
	return -status;
}

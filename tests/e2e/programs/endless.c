/*
 * endless.c - a thread that allocates without the GIL for as long as the process lives, for
 * test_finalisation.py.
 */
#include <stdlib.h>

void endless(void)
{
	for (;;) {
		char *volatile block = malloc(700);

		free(block);
	}
}

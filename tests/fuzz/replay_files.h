/*
 * replay_files.h - a main for a fuzzer that is built without libFuzzer (-DFUZZ_REPLAY): gives
 * each file named to LLVMFuzzerTestOneInput once, and prints how many there were.
 */
#ifndef MEMTRACE_REPLAY_FILES_H
#define MEMTRACE_REPLAY_FILES_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#ifdef FUZZ_REPLAY
#include <stdio.h>
#include <stdlib.h>

enum { REPLAY_MOST_BYTES = 1 << 20 };

/*
 * In memory of just its size, as libFuzzer gives it: a sanitizer sees what is read behind it.
 */
static int replay(const char *path)
{
	static uint8_t room[REPLAY_MOST_BYTES];
	FILE *file = fopen(path, "r");
	uint8_t *bytes;
	size_t len;

	if (!file) {
		perror(path);
		return -1;
	}
	len = fread(room, 1, sizeof(room), file);
	fclose(file);
	bytes = malloc(len ? len : 1);
	for (size_t i = 0; bytes && i < len; i++)
		bytes[i] = room[i];
	if (bytes)
		LLVMFuzzerTestOneInput(bytes, len);
	free(bytes);
	return bytes ? 0 : -1;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) < 0)
			return 1;
	printf("%d inputs\n", argc - 1);
	return 0;
}
#endif

#endif

/*
 * replay_files.h - a main for a fuzzer that is built without libFuzzer (-DFUZZ_REPLAY): gives
 * each file named to LLVMFuzzerTestOneInput once.
 */
#ifndef MEMTRACE_REPLAY_FILES_H
#define MEMTRACE_REPLAY_FILES_H

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#ifdef FUZZ_REPLAY
#include <stdio.h>
#include <stdlib.h>

enum { REPLAY_MOST_BYTES = 16 << 20 };

int main(int argc, char **argv)
{
	uint8_t *bytes = malloc(REPLAY_MOST_BYTES);

	for (int i = 1; bytes && i < argc; i++) {
		FILE *file = fopen(argv[i], "r");

		if (!file) {
			perror(argv[i]);
			return 1;
		}
		LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, REPLAY_MOST_BYTES, file));
		fclose(file);
	}
	free(bytes);
	return 0;
}
#endif

#endif

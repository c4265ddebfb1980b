/*
 * Any bytes as a line table of any kind: the kind, the instruction and the first line, nine
 * bytes, then the table. libFuzzer puts the input at the end of its memory, so that ASan sees a
 * read of one byte too many.
 */
#include <stdlib.h>
#include <string.h>

#include "../../collector/linetable.h"
#include "replay_files.h"

enum { HEAD_BYTES = 9 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	enum linetable_kind kind;
	int32_t instr, first_line, line;

	if (len < HEAD_BYTES)
		return 0;
	kind = bytes[0] % (LINETABLE_LOCATIONS + 1);
	memcpy(&instr, bytes + 1, sizeof(instr));
	memcpy(&first_line, bytes + 5, sizeof(first_line));
	/* Instructions far behind any table of this length are all alike. */
	if (bytes[0] & 0x80)
		instr %= 4096;
	line = linetable_line(kind, bytes + HEAD_BYTES, len - HEAD_BYTES, first_line, instr);
	if (instr < 0 && line != first_line)
		abort();
	if (kind == LINETABLE_NONE && instr >= 0 && line != LINE_NONE)
		abort();
	return 0;
}

/*
 * Compares linetable_line with the interpreter's own PyCode_Addr2Line at every instruction of
 * a code object. In C because a standard library has some ten million instructions.
 */
#include <stdint.h>

#include "../../collector/linetable.h"

struct comparison {
	int64_t decodes;
	int64_t differing;
	int32_t instr, ours, theirs; /* of the first difference */
};

typedef int addr2line(void *code, int instr);

static void compare_at(addr2line *theirs, void *code, int32_t ours, int32_t instr,
		       struct comparison *result)
{
	int32_t line = theirs(code, instr);

	result->decodes++;
	if (line == ours)
		return;
	if (!result->differing++) {
		result->instr = instr;
		result->ours = ours;
		result->theirs = line;
	}
}

struct table {
	const void *bytes;
	int64_t len;
	int32_t kind;
	int32_t first_line;
};

void linetable_compare(addr2line *theirs, void *code, const struct table *table,
		       int32_t code_bytes, struct comparison *result);

void linetable_compare(addr2line *theirs, void *code, const struct table *table,
		       int32_t code_bytes, struct comparison *result)
{
	/*
	 * Two steps before the code, for frames that have not begun: each instruction has two
	 * bytes.
	 */
	for (int32_t instr = -4; instr < code_bytes; instr += 2)
		compare_at(theirs, code,
			   linetable_line((enum linetable_kind)table->kind, table->bytes,
					  (size_t)table->len, table->first_line, instr),
			   instr, result);
}

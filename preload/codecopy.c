#include "codecopy.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "intern.h"
#include "python.h"

enum {
	SEEN = 8,
	UNIT_BYTES = 2, /* _Py_CODEUNIT */
	MOST_COPIES = 1 << 16,
};

/* What this thread ran lately; valid while no code object has been freed since. */
struct seen {
	const void *code;
	const char *first;
	uint32_t epoch;
};

static __thread struct seen seen[SEEN];

static bool holds(const void *code, const char *first, const char *instr)
{
	int64_t units; /* of the object, as any variable one's */

	memcpy(&units, (const char *)code + python.layout.bytes_size, sizeof(units));
	return first && units > 0 && instr >= first && instr - first < units * UNIT_BYTES;
}

/* struct _PyCodeArray: how many there are, then their addresses. */
static const char *find_listed(const void *code, const char *instr)
{
	const char *place = (const char *)code + python.layout.code_copies;
	/* Acquire: pairs with the release of the thread that made a longer list. */
	const void *const *list = __atomic_load_n((const void *const *const *)place,
						  __ATOMIC_ACQUIRE);
	int64_t count = list ? (int64_t)(intptr_t)list[0] : 0;

	if (count > MOST_COPIES)
		return NULL;
	for (int64_t i = 1; i <= count; i++)
		if (holds(code, list[i], instr))
			return list[i];
	return NULL;
}

const char *codecopy_first(const void *code, const void *instr)
{
	const char *own = (const char *)code + python.layout.code_instructions;
	struct seen *entry = &seen[(uintptr_t)code / 64 % SEEN];

	if (holds(code, own, instr))
		return own;
	if (entry->code == code && entry->epoch == intern_epoch() &&
	    holds(code, entry->first, instr))
		return entry->first;
	if (!python.unchecked_tstate())
		return NULL;
	const char *first = find_listed(code, instr);

	if (first)
		*entry = (struct seen){code, first, intern_epoch()};
	return first;
}

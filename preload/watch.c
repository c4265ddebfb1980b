#include "watch.h"

#include "late.h"
#include "python_hooks.h"

_Atomic uint32_t watch_word;

void watch_look(const void *caller)
{
	uint32_t word = atomic_load_explicit(&watch_word, memory_order_relaxed);

	if (word & WATCH_REACH)
		atomic_fetch_and(&watch_word, ~(uint32_t)WATCH_REACH);
	if (word >= WATCH_LOAD)
		late_look(caller);
	if (word & WATCH_SLOTS)
		python_hooks_check();
}

#include "freer.h"

#include <stdatomic.h>
#include <string.h>

#include "call.h"
#include "pystack.h"
#include "python.h"

enum { FIRST_WITH_FRAMES_ON_STACK = 11 };

bool freer_on;
static _Atomic bool stacks_move;

void freer_note_library(const char *file)
{
	if (freer_on && strstr(file, "greenlet"))
		atomic_store(&stacks_move, true);
}

static bool frames_may_be_gone(const struct call *call)
{
	return call->domain == EVENT_MEM && python.minor >= FIRST_WITH_FRAMES_ON_STACK &&
	       atomic_load_explicit(&stacks_move, memory_order_relaxed);
}

uint32_t freer_look(struct thread *self, const struct call *call)
{
	if (frames_may_be_gone(call))
		return 0;
	/*
	 * Thread states and frames go one after the other from here on, and nobody asks who
	 * frees at the end.
	 */
	if (python.has_layout && python_finaliser())
		return 0;
	self->freeing = true;
	uint32_t stack = pystack_id(self, call->gil_held ? call->tstate : pystack_tstate(),
				    call->gil_held);
	self->freeing = false;
	return stack;
}

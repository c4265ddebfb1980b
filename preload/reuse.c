#include "reuse.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <string.h>

#include "intern.h"
#include "life.h"
#include "python.h"
#include "ring.h"
#include "tap.h"
#include "thread.h"

/* Include/cpython/object.h: PyRefTracer and its events; object.h: flags of types. */
enum { TRACER_CREATE = 0 };
enum type_bits {
	TYPE_MANAGED_WEAKREF = 1 << 3,
	TYPE_MANAGED_DICT = 1 << 4,
	TYPE_HAVE_GC = 1 << 14,
};
/* pycore_gc.h and pycore_object.h: what stands before an object in its block. */
enum { GC_HEAD_BYTES = 16, PRE_HEADER_BYTES = 16 };

typedef int tracer_function(void *object, int event, void *data);

bool reuse_on;
__thread struct reuse_recent reuse_recent;

static int (*set_tracer)(tracer_function *tracer, void *data);
static tracer_function *(*get_tracer)(void **ret_data);
static unsigned long (*type_flags)(const void *type);
static _Atomic bool was_ours, shared;

static void send(const char *text)
{
	intern_put_text(R_INFO, 0, text, strlen(text));
}

static size_t bytes_before(const void *object)
{
	const char *place = (const char *)object + python.layout.object_type;
	unsigned long flags = type_flags(*(const void *const *)place);

	return (flags & TYPE_HAVE_GC ? GC_HEAD_BYTES : 0) +
	       (flags & (TYPE_MANAGED_WEAKREF | TYPE_MANAGED_DICT) ? PRE_HEADER_BYTES : 0);
}

/* Only once: the next object in that block finds it used. */
static bool take_fresh(const void *block)
{
	struct reuse_recent *recent = &reuse_recent;

	for (uint32_t i = 1; i <= REUSE_RECENT; i++) {
		const void **place = &recent->blocks[(recent->count - i) % REUSE_RECENT];

		if (*place == block) {
			*place = NULL;
			return true;
		}
	}
	return false;
}

/* In the middle of the object's making: nothing here takes memory or calls Python. */
static int see_object(void *object, int event, void *data)
{
	(void)data;
	if (event != TRACER_CREATE)
		return 0;
	const void *block = (const char *)object - bytes_before(object);

	if (!take_fresh(block))
		tap_reuse(block);
	return 0;
}

static void tell_shared(void)
{
	if (atomic_exchange(&shared, true) || !life_traced() || !thread_enter())
		return;
	if (!ring_given_up())
		send("reuse=in part: another tracer of references, such as tracemalloc's,"
		     " had its place for a while");
	thread_leave();
}

void reuse_look(void)
{
	void *data;

	/* Before the interpreter runs, debug builds would not have it asked. */
	if (!python.unchecked_tstate())
		return;
	tracer_function *tracer = get_tracer(&data);

	if (tracer == see_object)
		return;
	if (!tracer)
		set_tracer(see_object, NULL);
	if (tracer || atomic_load(&was_ours))
		tell_shared();
	if (!tracer)
		atomic_store(&was_ours, true);
}

void reuse_init(bool wanted)
{
	if (!wanted || !python.has_layout)
		return;
	set_tracer = (__typeof__(set_tracer))dlsym(python.library, "PyRefTracer_SetTracer");
	get_tracer = (__typeof__(get_tracer))dlsym(python.library, "PyRefTracer_GetTracer");
	type_flags = (__typeof__(type_flags))dlsym(python.library, "PyType_GetFlags");
	/* Without a GIL objects have no such header, and nobody may change the tracer alone. */
	if (strstr(python.version, "free-threading"))
		send("reuse=off: this is a free-threaded build");
	else if (!set_tracer || !get_tracer || !type_flags)
		send("reuse=off: before CPython 3.13 the interpreter can't tell");
	else
		reuse_on = true;
	if (reuse_on)
		send("reuse=on");
}

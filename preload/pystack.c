#include "pystack.h"

#include <pthread.h>
#include <string.h>

#include "code_text.h"
#include "codecopy.h"
#include "intern.h"
#include "ring.h"
#include "walk.h"

/* Nodes whose line the interpreter is asked for too: the self-test. */
enum { CHECKED_NODES = 512 };

_Atomic bool pystack_stopped;
static _Atomic uint32_t checked;
_Atomic uint32_t pystack_main;

void pystack_stop(const char *why)
{
	if (!atomic_exchange(&pystack_stopped, true) && why)
		intern_put_text(R_INFO, 0, why, strlen(why));
}

void pystack_restart(void)
{
	atomic_store(&pystack_main, 0);
}

/* This thread's beyond doubt: it has been seen here with the GIL, and was made here. */
static bool is_own(const char *tstate)
{
	unsigned long maker;

	if (!tstate || tstate != thread_self_pointer->tstate)
		return false;
	memcpy(&maker, tstate + python.layout.tstate_thread, sizeof(maker));
	return maker == pthread_self();
}

void *pystack_tstate(void)
{
	if (!python.has_layout)
		return NULL;
	void *tstate = python.unchecked_tstate();

	/*
	 * From 3.12 on the unchecked one is this thread's, NULL without the GIL; the GIL-state
	 * one stays set then. Until 3.11 it belongs to whoever holds the GIL, which may be
	 * another thread whose state is just dying, and the GIL-state one is always that of
	 * this thread's first interpreter.
	 */
	if (python.minor < 12 && !is_own(tstate))
		tstate = NULL;
	return tstate ? tstate : python.gilstate_tstate();
}

/*
 * `python app.py`, -c and the prompt: the root is a <module> that isn't frozen. `python -m` and
 * directories: the root is runpy's, and the module is what its _run_code runs.
 */
static bool begins_main(enum code_traits traits, enum code_traits caller, uint32_t from_root,
			enum code_traits root)
{
	if (!(traits & CODE_MODULE))
		return false;
	return from_root == 0 ||
	       (root & CODE_RUNPY && caller & CODE_RUN_CODE && from_root <= 3);
}

static void see_main(void)
{
	uint32_t never = 0;

	atomic_compare_exchange_strong(&pystack_main, &never, 1);
}

static const void *code_of(const struct walk_frame *frame)
{
	return (const void *)((uintptr_t)frame->code & ~(uintptr_t)python.layout.code_tags);
}

static int32_t instr_offset(const struct walk_frame *frame)
{
	const void *code = code_of(frame);
	const char *first = (const char *)code + python.layout.code_instructions;

	if (python.layout.instr != INSTR_ADDRESS)
		return (int32_t)(intptr_t)frame->instr * python.layout.instr;
	if (python.layout.code_copies)
		first = codecopy_first(code, frame->instr);
	return first ? (int32_t)((const char *)frame->instr - first) : -1;
}

static void check_line(const void *object, uint32_t code, int32_t instr)
{
	if (atomic_load_explicit(&checked, memory_order_relaxed) >= CHECKED_NODES)
		return;
	atomic_fetch_add_explicit(&checked, 1, memory_order_relaxed);
	/* PyCode_Addr2Line takes no reference and allocates nothing. */
	int32_t line = python.code_line((void *)(uintptr_t)object, instr);

	ring_put(record_head(R_CHECK, code), (uint32_t)instr | (uint64_t)(uint32_t)line << 32);
}

/*
 * Python 3.11 lets a frame's code go while the frame is still the innermost: its texts are
 * freed before itself is. The count of references, in front of the type, is 0 by then.
 */
static __attribute__((noinline)) bool is_dying(const struct thread *self, const void *object)
{
	enum { LAST_WITH_DYING_CODE = 11 };
	int64_t references;

	if (!self->freeing || python.minor > LAST_WITH_DYING_CODE)
		return false;
	memcpy(&references,
	       (const char *)object + python.layout.object_type - sizeof(references),
	       sizeof(references));
	return references <= 0;
}

static uint32_t code_id(struct thread *self, const void *object, enum code_traits *ret_traits)
{
	struct code_text text;
	uint32_t id = intern_find_code(object, ret_traits);

	if (id)
		return id;
	if (is_dying(self, object))
		return 0;
	switch (code_text_read(object, self->text, &text, ret_traits)) {
	case CODE_TEXT_READ:
		return intern_add_code(object, &text, *ret_traits);
	case CODE_TEXT_FOREIGN:
		return 0;
	case CODE_TEXT_WRONG:
		pystack_stop("stacks=off: code objects are not laid out as this version's "
			     "should be");
	}
	return 0;
}

static uint32_t root_of(struct thread *self)
{
	bool is_new;

	if (!self->root_node)
		self->root_node = intern_node(0, STREAM_CODE_THREAD, (int32_t)self->slot,
					      &is_new);
	return self->root_node;
}

/*
 * What the stack of this frame and its callers was last time, by the thread's own small table.
 */
static struct node_hint *hint_of(struct thread *self, uint32_t parent,
				 const struct walk_frame *frame)
{
	uint64_t hash = ((uint64_t)(uintptr_t)frame->instr ^ (uint64_t)parent << 32 ^
			 (uint64_t)(uintptr_t)frame->code << 8) *
			0x9e3779b97f4a7c15ULL;

	return &self->hints[hash >> 32 & (THREAD_HINTS - 1)];
}

/* The node of a frame whose caller's is `parent`; that one where the frame is nobody's. */
static uint32_t number_frame(struct thread *self, uint32_t parent,
			     const struct walk_frame *frame, bool gil_held,
			     enum code_traits *ret_traits)
{
	uint32_t code = code_id(self, code_of(frame), ret_traits);
	bool is_new;

	if (!code)
		return parent;
	int32_t instr = instr_offset(frame);
	uint32_t node = intern_node(parent, code, instr, &is_new);

	if (is_new && gil_held && !self->freeing)
		check_line(code_of(frame), code, instr);
	*hint_of(self, parent, frame) = (struct node_hint){frame->code, frame->instr, parent,
							   node,        self->epoch,  0};
	return node;
}

static uint32_t first_parent(struct thread *self, uint32_t same)
{
	uint32_t root = same ? self->walk.frames[same - 1].node : root_of(self);
	bool is_new;

	/*
	 * Without what lies below, a cut stack and a whole one must not be taken for each
	 * other.
	 */
	if (self->walk.dropped && !same)
		return intern_node(root, STREAM_CODE_TRUNCATED, 0, &is_new);
	return root;
}

/* Numbers the frames from `same` on, outwards in. */
static uint32_t number_frames(struct thread *self, uint32_t same, bool gil_held)
{
	struct walk *walk = &self->walk;
	uint32_t node = first_parent(self, same);
	enum code_traits traits = 0;

	for (uint32_t i = same; i < walk->depth; i++) {
		struct walk_frame *frame = &walk->frames[i];
		const struct node_hint *hint = hint_of(self, node, frame);

		if (frame->foreign)
			;
		else if (hint->code == frame->code && hint->instr == frame->instr &&
			 hint->parent == node && hint->epoch == self->epoch && hint->node)
			node = hint->node;
		else
			node = number_frame(self, node, frame, gil_held, &traits);
		frame->node = node;
	}
	return node;
}

/*
 * The same until __main__ has begun: every frame is looked at, for it is told by the frames
 * below it.
 */
static uint32_t number_until_main(struct thread *self, bool gil_held)
{
	enum code_traits traits, caller = 0, root = 0;
	uint32_t node = first_parent(self, 0), from_root = 0;

	for (uint32_t i = 0; i < self->walk.depth; i++) {
		struct walk_frame *frame = &self->walk.frames[i];

		frame->node = node;
		if (frame->foreign)
			continue;
		traits = 0;
		frame->node = node = number_frame(self, node, frame, gil_held, &traits);
		root = from_root ? root : traits;
		if (begins_main(traits, caller, from_root, root))
			see_main();
		caller = traits;
		from_root++;
	}
	return node;
}

static uint32_t find_id(struct thread *self, const void *tstate, bool gil_held)
{
	struct walk *walk = &self->walk;
	uint32_t epoch = intern_epoch();
	uint32_t same = walk_update(walk, walk_innermost(tstate), self->epoch == epoch);

	/* A code object has gone: what its address meant, it may not mean any more. */
	if (__builtin_expect(self->epoch != epoch, 0)) {
		self->epoch = epoch;
		same = 0;
	}
	if (__builtin_expect(same == walk->depth && same, 1))
		return walk->frames[same - 1].node;
	if (__builtin_expect(!atomic_load_explicit(&pystack_main, memory_order_relaxed), 0))
		return number_until_main(self, gil_held);
	return number_frames(self, same, gil_held);
}

uint32_t pystack_step(struct thread *self)
{
	struct walk *walk = &self->walk;

	walk_step(walk);
	if (__builtin_expect(!atomic_load_explicit(&pystack_main, memory_order_relaxed), 0))
		return number_until_main(self, true);
	return number_frames(self, walk->depth - 1, true);
}

uint32_t pystack_id(struct thread *self, void *tstate, bool gil_held)
{
	if (!tstate || atomic_load_explicit(&pystack_stopped, memory_order_relaxed))
		return root_of(self);
	if (gil_held)
		return find_id(self, tstate, true);
	/*
	 * A finalising interpreter frees the states of all threads but its own, whatever they
	 * do. It is seen here, or its thread sees us and waits: an exchange is a full barrier.
	 */
	atomic_exchange(&self->walking, true);
	const void *finaliser = python_finaliser();
	uint32_t id = finaliser && finaliser != tstate ? root_of(self)
						       : find_id(self, tstate, false);

	atomic_store_explicit(&self->walking, false, memory_order_release);
	return id;
}

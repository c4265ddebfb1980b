#include "pystack.h"

#include <pthread.h>
#include <string.h>

#include "code_text.h"
#include "codecopy.h"
#include "intern.h"
#include "python.h"
#include "ring.h"

enum {
	/* Nodes whose line the interpreter is asked for too: the self-test. */
	CHECKED_NODES = 512,
	/* Of a stack that is too deep. */
	DROP_STEP = 1024,
	MOST_COUNTED = 1 << 20,
};

static _Atomic bool stopped;
static _Atomic uint32_t checked;
/* 0: not seen, 1: just seen, 2: told. */
static _Atomic uint32_t main_seen;

void pystack_stop(const char *why)
{
	if (!atomic_exchange(&stopped, true) && why)
		intern_put_text(R_INFO, 0, why, strlen(why));
}

void pystack_restart(void)
{
	atomic_store(&main_seen, 0);
}

bool pystack_main_seen(void)
{
	uint32_t just = 1;

	if (__builtin_expect(atomic_load_explicit(&main_seen, memory_order_relaxed) != 1, 1))
		return false;
	return atomic_compare_exchange_strong(&main_seen, &just, 2);
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

void *pystack_tstate(bool gil_held)
{
	if (!python.has_layout)
		return NULL;
	void *tstate = python.unchecked_tstate();

	if (gil_held) {
		thread_self_pointer->tstate = tstate;
		return tstate;
	}
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

static inline const void *read_pointer(const void *base, uint16_t offset)
{
	return *(const void *const *)((const char *)base + offset);
}

static inline bool is_foreign(const void *frame, const struct layout *layout)
{
	return layout->frame_owner != LAYOUT_NONE &&
	       *((const uint8_t *)frame + layout->frame_owner) >= layout->first_foreign_owner;
}

/*
 * An address, or a number: either way it tells one instruction of a code object from another.
 */
static inline const void *read_instr(const void *frame, const struct layout *layout)
{
	if (layout->instr == INSTR_ADDRESS)
		return read_pointer(frame, layout->frame_instr);
	return (const void *)(intptr_t) *
	       (const int32_t *)((const char *)frame + layout->frame_instr);
}

static const void *innermost_frame(const void *tstate, const struct layout *layout)
{
	if (layout->tstate_cframe == LAYOUT_NONE)
		return read_pointer(tstate, layout->tstate_frame);
	const void *cframe = read_pointer(tstate, layout->tstate_cframe);

	return cframe ? read_pointer(cframe, layout->cframe_frame) : NULL;
}

/*
 * Into self->spare, innermost first. *ret_dropped: the outermost frames that are left out of a
 * stack too deep, a multiple of DROP_STEP: calls and returns far up don't move the cut, and the
 * walk before still tells most of the next.
 */
static uint32_t walk(struct thread *self, const void *tstate, uint32_t *ret_dropped)
{
	const struct layout *layout = &python.layout;
	struct frame_key *keys = self->spare;
	const void *frame = innermost_frame(tstate, layout);
	uint32_t whole = 0;

	for (; frame && whole < MOST_COUNTED;
	     frame = read_pointer(frame, layout->frame_previous)) {
		if (is_foreign(frame, layout) || whole++ >= STREAM_MAX_DEPTH)
			continue;
		uintptr_t code = (uintptr_t)read_pointer(frame, layout->frame_code);

		keys[whole - 1].code = (const void *)(code & ~(uintptr_t)layout->code_tags);
		keys[whole - 1].instr = read_instr(frame, layout);
	}
	*ret_dropped = 0;
	if (whole > STREAM_MAX_DEPTH)
		*ret_dropped = (whole - STREAM_MAX_DEPTH + DROP_STEP - 1) / DROP_STEP *
			       DROP_STEP;
	return whole - *ret_dropped;
}

/* How many frames, counted from the outermost kept, are those of the walk before. */
static uint32_t common_frames(const struct thread *self, uint32_t depth)
{
	const struct frame_key *now = self->spare + depth;
	const struct frame_key *before = self->walk + self->depth;
	uint32_t most = depth < self->depth ? depth : self->depth;
	uint32_t same = 0;

	if (self->walk_epoch != intern_epoch())
		return 0;
	while (same < most && now[-1 - (int64_t)same].code == before[-1 - (int64_t)same].code &&
	       now[-1 - (int64_t)same].instr == before[-1 - (int64_t)same].instr)
		same++;
	return same;
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

	atomic_compare_exchange_strong(&main_seen, &never, 1);
}

static int32_t instr_offset(const struct frame_key *key)
{
	const char *first = (const char *)key->code + python.layout.code_instructions;

	if (python.layout.instr != INSTR_ADDRESS)
		return (int32_t)(intptr_t)key->instr * python.layout.instr;
	if (python.layout.code_copies)
		first = codecopy_first(key->code, key->instr);
	return first ? (int32_t)((const char *)key->instr - first) : -1;
}

static void check_line(const struct frame_key *key, uint32_t code, int32_t instr)
{
	if (atomic_load_explicit(&checked, memory_order_relaxed) >= CHECKED_NODES)
		return;
	atomic_fetch_add_explicit(&checked, 1, memory_order_relaxed);
	/* PyCode_Addr2Line takes no reference and allocates nothing. */
	int32_t line = python.code_line((void *)(uintptr_t)key->code, instr);

	ring_put(record_head(R_CHECK, code), (uint32_t)instr | (uint64_t)(uint32_t)line << 32);
}

static uint32_t code_id(struct thread *self, const struct frame_key *key,
			enum code_traits *ret_traits)
{
	struct code_text text;
	uint32_t id = intern_find_code(key->code, ret_traits);

	if (id)
		return id;
	switch (code_text_read(key->code, self->text, &text, ret_traits)) {
	case CODE_TEXT_READ:
		return intern_add_code(key->code, &text, *ret_traits);
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
	bool new;

	if (!self->root_node)
		self->root_node = intern_node(0, STREAM_CODE_THREAD, (int32_t)self->slot, &new);
	return self->root_node;
}

/* Numbers the frames from `same` on, outwards in. */
static uint32_t number_frames(struct thread *self, uint32_t same, bool gil_held)
{
	uint32_t depth = self->depth;
	uint32_t *nodes = self->nodes;
	uint32_t node = same ? nodes[same - 1] : root_of(self);
	enum code_traits traits = 0, caller = 0, root = 0;
	bool new;

	/*
	 * Without what lies below, a cut stack and a whole one must not be taken for each
	 * other.
	 */
	if (self->dropped && !same)
		node = intern_node(node, STREAM_CODE_TRUNCATED, 0, &new);
	for (uint32_t i = same; i < depth; i++) {
		const struct frame_key *key = &self->walk[depth - 1 - i];
		uint32_t code = code_id(self, key, &traits);

		nodes[i] = node;
		if (!code)
			continue;
		int32_t instr = instr_offset(key);

		nodes[i] = node = intern_node(node, code, instr, &new);
		if (new &&gil_held)
			check_line(key, code, instr);
		root = i ? root : traits;
		if (same == 0 && begins_main(traits, caller, i, root))
			see_main();
		caller = traits;
	}
	return node;
}

static uint32_t find_id(struct thread *self, const void *tstate, bool gil_held)
{
	uint32_t dropped;
	uint32_t depth = walk(self, tstate, &dropped);
	uint32_t same = dropped == self->dropped ? common_frames(self, depth) : 0;

	if (__builtin_expect(depth == same && depth == self->depth && depth, 1))
		return self->nodes[depth - 1];

	struct frame_key *before = self->walk;

	self->walk = self->spare;
	self->spare = before;
	self->depth = depth;
	self->dropped = dropped;
	self->walk_epoch = intern_epoch();
	if (same == depth)
		return depth ? self->nodes[depth - 1] : root_of(self);
	/*
	 * Until __main__ begins every frame is looked at, for it is told by the frames below
	 * it.
	 */
	if (atomic_load_explicit(&main_seen, memory_order_relaxed) == 0)
		same = 0;
	return number_frames(self, same, gil_held);
}

uint32_t pystack_id(struct thread *self, void *tstate, bool gil_held)
{
	if (!tstate || atomic_load_explicit(&stopped, memory_order_relaxed))
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

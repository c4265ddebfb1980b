#include "thread.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "intern.h"
#include "ring.h"
#include "spin.h"

__thread struct thread *thread_self_pointer;
__thread unsigned thread_busy;

enum {
	NAME_BYTES = 16, /* PR_GET_NAME */
	BLOCK_THREADS = 256,
	BLOCKS = 256,
	/* Slots tried for one whose thread is gone before a new one is taken. */
	SEARCH = 32,
	WALK_NAP_NS = 50000,
	WALK_NAPS = 20000,
};

static struct thread *blocks[BLOCKS];
static _Atomic uint32_t count;
static uint32_t hand;
static _Atomic uint32_t lock;

static struct thread *at(uint32_t slot)
{
	return &blocks[slot / BLOCK_THREADS][slot % BLOCK_THREADS];
}

static bool gone(uint32_t tid)
{
	return syscall(SYS_tgkill, getpid(), (pid_t)tid, 0) == -1 && errno == ESRCH;
}

/* A slot whose thread has ended: the hand goes round, a few steps at a time. */
static struct thread *find_free(uint32_t tid)
{
	for (uint32_t i = 0; i < SEARCH && i < count; i++) {
		struct thread *thread = at(hand++ % count);

		if (thread->tid == tid || gone(thread->tid))
			return thread;
	}
	return NULL;
}

static struct thread *take_new(void)
{
	size_t walk_bytes = (1 + WALK_MOST) * sizeof(struct walk_frame);
	size_t hint_bytes = THREAD_HINTS * sizeof(struct node_hint);
	struct thread **block = &blocks[count / BLOCK_THREADS];

	if (count == BLOCKS * BLOCK_THREADS)
		return NULL;
	if (!*block && !(*block = memory_get(BLOCK_THREADS * sizeof(struct thread))))
		return NULL;
	struct thread *thread = at(count);
	/* Two walks: pages are touched as deep as the stack ever was. */
	char *memory = memory_get(2 * walk_bytes + hint_bytes + CODE_TEXT_BYTES);

	if (!memory)
		return NULL;
	thread->slot = count++;
	thread->walk.frames = (struct walk_frame *)memory + 1;
	thread->walk.fresh = (struct walk_frame *)(memory + walk_bytes);
	thread->hints = (struct node_hint *)(memory + 2 * walk_bytes);
	thread->text = memory + 2 * walk_bytes + hint_bytes;
	return thread;
}

/*
 * The block behind this thread's vector of thread-local storage (dtv), whose place the ABI
 * fixes: the first word that the thread pointer leads to, or the second, where the first is
 * that pointer itself. In front of the vector is one entry.
 */
static uint64_t stack_block(void)
{
	void *const *control = __builtin_thread_pointer();
	const void *vector = control[0] == (const void *)control ? control[1] : control[0];

	return (uint64_t)(uintptr_t)vector - 2 * sizeof(void *);
}

void thread_announce(const struct thread *thread)
{
	struct {
		struct stream_thread thread;
		char name[NAME_BYTES];
	} text = {.thread.tid = thread->tid};

	prctl(PR_GET_NAME, text.name);
	intern_put_text(R_THREAD, thread->slot, &text,
			sizeof(text.thread) + strnlen(text.name, NAME_BYTES));
	ring_put(record_head(R_THREAD_STACK, stack_block()), thread->slot);
}

struct thread *thread_register(void)
{
	uint32_t tid = (uint32_t)syscall(SYS_gettid);

	spin_lock(&lock);
	struct thread *thread = find_free(tid);

	if (!thread)
		thread = take_new();
	if (thread) {
		thread->tid = tid;
		thread->errno_place = &errno;
		thread->call = NULL;
		thread->in_collection = false;
		thread->tstate = NULL;
		thread->objects_left = &thread->own_objects_left;
		thread->own_objects_left = 0;
		/* It may have been cancelled in the middle. */
		thread->walking = false;
		/* The root node stays: it names the slot. */
		thread->walk.depth = 0;
		thread_announce(thread);
	}
	spin_unlock(&lock);
	thread_self_pointer = thread;
	return thread;
}

void thread_wait_for_walks(const struct thread *self)
{
	/*
	 * Between what the caller has seen and our look at the flags; pairs with pystack.c's
	 * exchange.
	 */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned naps = 0, slot = 0; slot < count && naps < WALK_NAPS;) {
		const struct thread *thread = at(slot);

		if (thread == self || !atomic_load(&thread->walking) || gone(thread->tid)) {
			slot++;
			continue;
		}
		syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = WALK_NAP_NS}, NULL);
		naps++;
	}
}

void thread_lock(void)
{
	spin_lock(&lock);
}

void thread_unlock(void)
{
	spin_unlock(&lock);
}

void thread_after_fork(void)
{
	/* The other threads' slots find their tids gone, one by one, as they are needed. */
	if (thread_self_pointer)
		thread_self_pointer->tid = (uint32_t)syscall(SYS_gettid);
}

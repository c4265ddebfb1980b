#include "life.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "c_heap.h"
#include "cancel.h"
#include "clock.h"
#include "collection.h"
#include "exports.h"
#include "facts.h"
#include "family.h"
#include "freer.h"
#include "late.h"
#include "launch.h"
#include "mark.h"
#include "memory.h"
#include "options.h"
#include "output.h"
#include "python.h"
#include "python_hooks.h"
#include "pystack.h"
#include "reach.h"
#include "real.h"
#include "reuse.h"
#include "ring.h"
#include "say.h"
#include "thread.h"

enum {
	PAGE = 4096,
	WAIT_SLICE_MS = 100,
	PATIENCE_MS = 2000,
	/* Of the 255 bytes that a file's name may have: the suffixes need some. */
	PROGRAM_BYTES = 200,
};

static _Atomic uint32_t dormant;
_Atomic uint32_t *life_state = &dormant;

static int argument_count;
static char **arguments;
static struct options options;
static pid_t traced_pid;
static _Atomic bool ended;
static _Atomic bool finalising;

void life_inert(void)
{
	atomic_store(life_state, 0);
}

void life_forked(void)
{
	atomic_store(life_state, LIFE_FORKED);
}

bool life_begin_child(void)
{
	/* Whatever happens from here on: not a second time. */
	life_inert();
	if (!launch_child(&options))
		return false;
	traced_pid = getpid();
	atomic_store(&ended, false);
	atomic_store(life_state, LIFE_TRACED | LIFE_RECORDING);
	return true;
}

bool life_speed_up(void)
{
	uint32_t ordinary = LIFE_TRACED | LIFE_RECORDING;

	return atomic_compare_exchange_strong(life_state, &ordinary, ordinary | LIFE_QUICK);
}

void life_slow_down(void)
{
	atomic_fetch_and(life_state, ~(uint32_t)LIFE_QUICK);
}

void life_pause(bool pause)
{
	if (pause) {
		audit_stop("recording was paused");
		atomic_fetch_and(life_state, ~(uint32_t)(LIFE_RECORDING | LIFE_QUICK));
		return;
	}
	uint32_t state = atomic_load(life_state);

	/* Inert it stays, also where it becomes so in this very moment. */
	while (state & LIFE_TRACED &&
	       !atomic_compare_exchange_weak(life_state, &state, state | LIFE_RECORDING))
		;
}

bool life_is_ours(void)
{
	return life_traced() && getpid() == traced_pid;
}

void life_finalising(void)
{
	if (atomic_exchange(&finalising, true))
		return;
	audit_owe(mark_make("end", MARK_TRACER));
	audit_look();
	python_hooks_expect_restart();
}

void life_running(void)
{
	if (!atomic_exchange(&finalising, false))
		return;
	collection_restart();
	pystack_restart();
	/* What was live at the end before is not the last word: the runtime lives again. */
	if (life_traced() && thread_enter()) {
		mark_make("restart", MARK_TRACER);
		thread_leave();
	}
}

static void wait_slice(uint32_t state)
{
	struct timespec slice = {.tv_nsec = WAIT_SLICE_MS * 1000000};

	syscall(SYS_futex, &ring.header->collector_state, FUTEX_WAIT, state, &slice, NULL, 0);
}

/*
 * A collector that was killed is waited for no longer; a stopped one as long as the ring would.
 */
static bool collector_moves(uint64_t *heartbeat, uint64_t *since_ms, uint64_t now_ms)
{
	uint64_t beat = atomic_load(&ring.header->heartbeat);

	if (beat != *heartbeat) {
		*heartbeat = beat;
		*since_ms = now_ms;
	}
	/* A child's collector is another one's child, and isn't known before it says so. */
	if (atomic_load(&ring.header->collector_pid) && !ring_collector_lives())
		return false;
	/* Writing a large profile it doesn't count beats. */
	return atomic_load(&ring.header->collector_state) == COLLECTOR_DRAINED ||
	       now_ms - *since_ms < PATIENCE_MS;
}

static bool wait_for_profile(void)
{
	uint64_t start_ms = clock_mono_ns() / 1000000, now_ms = start_ms, since_ms = start_ms;
	uint64_t heartbeat = 0;
	uint32_t state;

	while ((state = atomic_load(&ring.header->collector_state)) < COLLECTOR_DONE) {
		if (now_ms - start_ms >= options.wait_ms ||
		    !collector_moves(&heartbeat, &since_ms, now_ms))
			return false;
		wait_slice(state);
		now_ms = clock_mono_ns() / 1000000;
	}
	return state == COLLECTOR_DONE;
}

/* The one line that a traced program may print, and only where somebody looks. */
static void say_end(bool written, bool given_up)
{
	const char *path = launch_path();
	bool killed = atomic_load(&ring.header->collector_pid) && !ring_collector_lives();

	if (options.quiet || !isatty(STDERR_FILENO))
		return;
	if (written)
		say((const char *const[]){"wrote ", path, "; see: memtrace report ", path,
					  NULL});
	else if (given_up || killed)
		say((const char *const[]){
			"tracing ended early, its collector was killed or stood still;"
			" see: memtrace report ",
			path, NULL});
}

/* Recording stopped for want of a collector: that is all there is left to say. */
static bool end_given_up(void)
{
	if (getpid() != traced_pid || !ring.header || !ring_given_up())
		return false;
	if (!atomic_exchange(&ended, true))
		say_end(false, true);
	return true;
}

void life_end(enum stream_end how, int status)
{
	int saved = errno;
	bool given_up;

	/*
	 * Interrupted in the middle of our own work, we may hold a lock: the collector finds
	 * what waits in the table when the process is gone.
	 */
	if (end_given_up() || !life_is_ours() || !thread_enter()) {
		errno = saved;
		return;
	}
	if (!atomic_exchange(&ended, true)) {
		collection_catch_up();
		cancel_flush();
		ring_put(record_head(R_END, how), (uint64_t)(int64_t)status);
		given_up = ring_given_up();
		life_inert();
		atomic_store(&ring.header->program_state, PROGRAM_ENDED);
		say_end(wait_for_profile(), given_up);
	}
	thread_leave();
	errno = saved;
}

void life_exec(void)
{
	if (!life_is_ours() || !thread_enter())
		return;
	cancel_flush();
	ring_put(record_head(R_EXEC, 0), 0);
	thread_leave();
}

void life_exec_failed(int error)
{
	if (!life_is_ours() || !thread_enter())
		return;
	ring_put(record_head(R_EXEC, 0), (uint64_t)error);
	thread_leave();
}

static void at_exit(int status, void *unused)
{
	(void)unused;
	life_end(END_EXIT, status);
}

/*
 * In a forked child the page is empty again. Kernels before 4.14 can't: then a fork handler
 * clears it.
 */
static bool make_state_page(void)
{
	_Atomic uint32_t *page = memory_get(PAGE);

	if (!page)
		return false;
	if (madvise(page, PAGE, MADV_WIPEONFORK))
		pthread_atfork(NULL, NULL, life_inert);
	life_state = page;
	return true;
}

/* There is a Python, and nothing of it has been allocated yet. The guard is held. */
static void begin_run(void)
{
	char program[PROGRAM_BYTES];

	if (reach_is_second() || !options_read(&options))
		return;
	output_program(argument_count, arguments, program, sizeof(program));
	if (!make_state_page() || !launch_run(&options, program))
		return;
	traced_pid = getpid();
	freer_on = options.frees;
	cancel_on = options.events != EVENTS_ALL;
	cancel_plain = cancel_on && !freer_on;
	if (options.follow != FOLLOW_NONE)
		family_init();
	facts_send(program, options.python_malloc, options.argv ? argument_count : 0,
		   arguments);
	if (freer_on)
		facts_send_one("frees", "1");
	reach_look();
	c_heap_init();
	reuse_init(options.reuse);
	audit_init(options.audit != AUDIT_OFF, options.python_malloc);
	mark_make("start", MARK_TRACER);
	atomic_store(life_state, LIFE_TRACED | LIFE_RECORDING);
	if (python.has_layout)
		python_hooks_install();
}

void life_begin_late(void *library)
{
	if (python_find(library))
		begin_run();
}

/*
 * Before main and before the interpreter has run: its static data is there. In a program that
 * is no Python it ends here, unless one is loaded later.
 */
__attribute__((constructor)) static void begin(int argc, char **argv, char **envp)
{
	int saved = errno;

	(void)envp;
	if (!real_resolve() || getauxval(AT_SECURE) || !thread_enter())
		return;
	argument_count = argc;
	arguments = argv;
	/*
	 * Here for late ones, too: what the program registers before then is done before the
	 * end.
	 */
	on_exit(at_exit, NULL);
	if (python_find(RTLD_DEFAULT))
		begin_run();
	else
		late_begin();
	thread_leave();
	errno = saved;
}

EXPORT void memtrace_mark(const char *name)
{
	int saved = errno;

	if (!name || !life_present() || !thread_enter())
		return;
	if ((life_traced() || life_begin_child()) && !ring_given_up()) {
		uint32_t number = mark_make(name, MARK_PROGRAM);

		if (options.audit == AUDIT_AT_MARKS)
			audit_owe(number);
	}
	thread_leave();
	errno = saved;
}

EXPORT int memtrace_active(void)
{
	return life_traced() && !ring_given_up();
}

EXPORT void memtrace_pause(void)
{
	int saved = errno;

	/* A child's first event would start recording. */
	if (life_present() && !life_traced() && thread_enter()) {
		life_begin_child();
		thread_leave();
	}
	life_pause(true);
	errno = saved;
}

EXPORT void memtrace_resume(void)
{
	life_pause(false);
}

#include "mark.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "c_heap.h"
#include "cancel.h"
#include "clock.h"
#include "collection.h"
#include "intern.h"
#include "life.h"
#include "proc.h"
#include "real.h"
#include "ring.h"
#include "thread.h"

enum { NAME_MOST = RING_NAME_BYTES - 1, STATM_BYTES = 128, ROLLUP_BYTES = 2048 };

static uint64_t read_number(const char **at)
{
	uint64_t number = 0;

	while (**at == ' ')
		(*at)++;
	for (; **at >= '0' && **at <= '9'; (*at)++)
		number = number * 10 + (uint64_t)(**at - '0');
	return number;
}

/* /proc/PID/statm: size resident shared ..., in pages. */
static void read_statm(struct stream_mark *mark)
{
	char text[STATM_BYTES];
	const char *at = text;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!proc_read("/proc/self/statm", text, sizeof(text)))
		return;
	read_number(&at);
	mark->rss_bytes = read_number(&at) * page;
	mark->file_bytes = read_number(&at) * page;
}

static uint64_t rollup_value(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	if (!at)
		return UINT64_MAX;
	at += strlen(key);
	return read_number(&at) * 1024;
}

static void read_rollup(struct stream_mark *mark)
{
	char text[ROLLUP_BYTES];

	if (!proc_read("/proc/self/smaps_rollup", text, sizeof(text)))
		return;
	mark->pss_bytes = rollup_value(text, "\nPss:");
	mark->anon_bytes = rollup_value(text, "\nAnonymous:");
	mark->swap_bytes = rollup_value(text, "\nSwap:");
	mark->locked_bytes = rollup_value(text, "\nLocked:");
}

/*
 * In a signal handler the thread may hold the allocator's locks. While paused nobody keeps
 * count.
 */
static bool may_be_in_allocator(enum mark_origin origin)
{
	const struct thread *self = thread_self_pointer;

	return origin == MARK_PROGRAM && ((self && self->call) || !life_recording());
}

static void read_c_heap(struct stream_mark *mark)
{
	if (!real.mallinfo2)
		return;
	struct mallinfo2 heap = real.mallinfo2();

	mark->heap_bytes = heap.arena;
	mark->heap_mapped_bytes = heap.hblkhd;
	mark->heap_used_bytes = heap.uordblks;
	mark->heap_free_bytes = heap.fordblks;
	mark->heap_top_bytes = heap.keepcost;
}

/*
 * What the free memory is made of takes as long again: at the moments only that somebody asks
 * about, and of the program's own marks, which may come by the thousand, once a second.
 */
static bool wants_free_memory(const char *name, enum mark_origin origin, uint64_t now)
{
	enum { SECOND_NS = 1000000000 };
	static _Atomic uint64_t last;

	if (origin == MARK_TRACER)
		return strcmp(name, "end") == 0;
	if (origin == MARK_PROGRAM && now - atomic_load(&last) < SECOND_NS)
		return false;
	atomic_store(&last, now);
	return true;
}

static bool collector_may_look(void)
{
	uint32_t state = atomic_load(&ring.header->collector_state);

	return !ring_given_up() && (state == COLLECTOR_READY ||
				    (state == COLLECTOR_NONE && ring_collector_lives()));
}

/* What comes next gives back the memory that the collector is to look at. */
static void await_look(uint32_t number)
{
	enum { PATIENCE_NS = 2000000000, NAP_NS = 500000 };
	uint64_t begin = clock_mono_ns();

	atomic_store(&ring.header->look_wanted, number);
	syscall(SYS_futex, &ring.header->look_wanted, FUTEX_WAKE, 1, NULL, NULL, 0);
	while (number && atomic_load(&ring.header->looked) != number && collector_may_look() &&
	       clock_mono_ns() - begin < PATIENCE_NS)
		syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = NAP_NS}, NULL);
}

uint32_t mark_make(const char *name, enum mark_origin origin)
{
	int saved = errno;
	uint64_t begin = clock_mono_ns();
	struct {
		struct stream_mark mark;
		char name[NAME_MOST];
	} text;
	size_t len = strnlen(name, NAME_MOST);

	memset(&text.mark, 0xff, sizeof(text.mark));
	read_statm(&text.mark);
	read_rollup(&text.mark);
	if (c_heap_is_glibc() && !may_be_in_allocator(origin)) {
		read_c_heap(&text.mark);
		if (wants_free_memory(name, origin, begin))
			c_heap_send(name, text.mark.heap_top_bytes);
	}
	collection_look();
	cancel_flush();
	ring_tell_memory();
	text.mark.time_ns = begin - ring.header->start_mono_ns;
	text.mark.pause_ns = clock_mono_ns() - begin;
	text.mark.origin = origin;
	memcpy(text.name, name, len);
	uint32_t number = intern_put_mark(&text.mark, sizeof(text.mark) + len);

	if (origin == MARK_TRACER && strcmp(name, "end") == 0)
		await_look(number);
	errno = saved;
	return number;
}

void mark_main(void)
{
	mark_make("main", MARK_TRACER);
}

void mark_from_outside(bool audit)
{
	struct ring_header *header = ring.header;
	/* Acquire: the name was filled before the request was counted. */
	uint32_t request = atomic_load_explicit(&header->mark_request, memory_order_acquire);
	char name[RING_NAME_BYTES];

	if (request == atomic_load(&header->mark_taken))
		return;
	memcpy(name, header->mark_name, sizeof(name));
	name[NAME_MOST] = '\0';
	uint32_t number = mark_make(name, MARK_OUTSIDE);

	if (audit)
		audit_owe(number);
	atomic_store_explicit(&header->mark_taken, request, memory_order_release);
}

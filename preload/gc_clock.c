#include "gc_clock.h"

#include "clock.h"

enum {
	/* gc.set_threshold may lower it meanwhile: until then nothing is noticed of that. */
	MOST_LEFT = 512,
	/*
	 * C code may allocate objects by the million, and objects that the collector does not
	 * know may come for long: then only each so many is looked at.
	 */
	NEAR = 64,
	STEP = 32,
	SLACK_NS = 1000000,
};

struct gc_clock gc_clock;

static int32_t left_of(const struct gc_young *young)
{
	int64_t lacks = (int64_t)young->threshold - young->count;

	return !young->threshold || lacks > MOST_LEFT ? MOST_LEFT : (int32_t)lacks - 1;
}

void gc_clock_expect(const struct thread *self, const struct gc_young *young)
{
	if (!young->threshold || young->count < young->threshold) {
		gc_clock_forget();
		gc_clock.objects_left = left_of(young);
		return;
	}
	gc_clock.watching = ++gc_clock.objects <= NEAR;
	gc_clock.objects_left = gc_clock.watching ? 0 : STEP - 1;
	if (!gc_clock.watching)
		gc_clock_start(self);
}

/*
 * What the thread itself computed costs a system call: it is read once in SLACK_NS at most, and
 * where a collection seems to have taken longer than that.
 */
static uint64_t thread_ns(void)
{
	return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

void gc_clock_start(const struct thread *self)
{
	uint64_t now = clock_mono_ns();

	gc_clock.start_ns = now;
	if (gc_clock.thread == self && now - gc_clock.thread_read_ns < SLACK_NS)
		return;
	gc_clock.thread = self;
	gc_clock.thread_read_ns = now;
	gc_clock.thread_ns = thread_ns();
}

uint64_t gc_clock_took(const struct thread *self)
{
	if (!gc_clock.start_ns)
		return 0;
	uint64_t took_ns = clock_mono_ns() - gc_clock.start_ns + 1;

	if (took_ns <= SLACK_NS || gc_clock.thread != self)
		return took_ns;
	/* After a fork the thread's clock begins anew: that wraps. */
	uint64_t computed_ns = thread_ns() - gc_clock.thread_ns + 1;

	return computed_ns < took_ns ? computed_ns : took_ns;
}

void gc_clock_forget(void)
{
	gc_clock.watching = false;
	gc_clock.start_ns = 0;
	gc_clock.objects = 0;
	gc_clock.objects_left = 0;
}

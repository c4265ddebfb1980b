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
};

struct gc_clock gc_clock;

static int32_t left_of(const struct gc_young *young)
{
	int64_t lacks = (int64_t)young->threshold - young->count;

	return !young->threshold || lacks > MOST_LEFT ? MOST_LEFT : (int32_t)lacks - 1;
}

void gc_clock_expect(const struct gc_young *young)
{
	if (!young->threshold || young->count < young->threshold) {
		gc_clock_forget();
		gc_clock.objects_left = left_of(young);
		return;
	}
	gc_clock.watching = ++gc_clock.objects <= NEAR;
	gc_clock.objects_left = gc_clock.watching ? 0 : STEP - 1;
	if (!gc_clock.watching)
		gc_clock_start();
}

void gc_clock_start(void)
{
	gc_clock.start_ns = clock_mono_ns();
}

uint64_t gc_clock_took(void)
{
	uint64_t start_ns = gc_clock.start_ns;

	return start_ns ? clock_mono_ns() - start_ns + 1 : 0;
}

void gc_clock_forget(void)
{
	gc_clock.watching = false;
	gc_clock.start_ns = 0;
	gc_clock.objects = 0;
	gc_clock.objects_left = 0;
}

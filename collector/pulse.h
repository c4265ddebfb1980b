/*
 * pulse.h - something that wants to be done every few milliseconds of a long job: whoever waits
 * for the collector sees by it that it lives.
 */
#ifndef MEMTRACE_PULSE_H
#define MEMTRACE_PULSE_H

/* Of zeroes: nothing does. */
struct pulse {
	void (*beat)(void *user);
	void *user;
};

/* NULL is fine. */
static inline void pulse_beat(const struct pulse *pulse)
{
	if (pulse && pulse->beat)
		pulse->beat(pulse->user);
}

#endif

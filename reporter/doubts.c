#include "doubts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_system.h"
#include "units.h"

/* Of waiting: less is what a busy machine does. */
static const uint64_t WORTH_TELLING_NS = 1000000000;

struct teller {
	doubts_each *each;
	void *user;
};

__attribute__((format(printf, 2, 3))) static void tell(const struct teller *teller,
						       const char *format, ...)
{
	char sentence[1200];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	teller->each(teller->user, sentence);
}

struct counted {
	uint64_t count;
	const char *text;
};

static void tell_counts(const struct teller *teller, const struct profile_run *run)
{
	const bool killed = run->end == PROFILE_DIED || run->end == PROFILE_RUNNING;
	const struct counted counts[] = {
		{run->lost_slots,
		 killed ? "records were begun and never finished: calls that were under way"
			  " when the process was killed"
			: "records were lost: begun by the program and never finished"},
		{run->dropped_events,
		 "events were not recorded (a pause, a signal handler, or a"
		 " collector that stood still)"},
		{run->replaced,
		 "allocations came at addresses that were live: a free was missed"},
		{run->misplaced, "records contradict the map of arenas and pools"},
		{run->checks_differing,
		 "lines differ from what the interpreter said: don't trust"
		 " the lines of this profile"},
	};
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		if (counts[i].count)
			tell(teller, "%s %s", units_count(counts[i].count).text,
			     counts[i].text);
}

static void tell_damage(const struct teller *teller, const struct profile *profile)
{
	const uint64_t count = profile->run.bad_records;
	const char *first = profile_info(profile, "first_damage");
	if (count)
		tell(teller, "%s record%s of the stream %s damaged and left out%s%s",
		     units_count(count).text, count == 1 ? "" : "s",
		     count == 1 ? "was" : "were", first ? "; the first: " : "",
		     first ? first : "");
}

static void tell_audits(const struct teller *teller, const struct profile *profile)
{
	uint64_t differing = 0;
	for (size_t i = 0; i < profile->audit_count; i++)
		differing += profile->audits[i].differing_blocks;
	if (differing)
		tell(teller,
		     "%s blocks in arenas differ from the interpreter's own pool headers:"
		     " please report this as a bug of memtrace",
		     units_count(differing).text);
}

static void tell_unseen(const struct teller *teller, const struct profile *profile)
{
	const char *taker = profile_info(profile, "malloc_taken_by");
	const char *deep_bound = profile_info(profile, "deep_bound");
	if (taker)
		tell(teller,
		     "calls of malloc went to %s, not to libmemtrace.so:"
		     " their blocks are not in this profile",
		     taker);
	if (deep_bound)
		tell(teller,
		     "%s was loaded with RTLD_DEEPBIND:"
		     " it calls the C library's malloc and free, which aren't seen",
		     deep_bound);
}

static void tell_file_system(const struct teller *teller, const struct profile *profile)
{
	const char *magic = profile_info(profile, "file_system");
	const struct file_system *kind = magic ? file_system_of(strtoull(magic, NULL, 10))
					       : NULL;
	if (kind && kind->no_guarantee)
		tell(teller, "its files were on %s: %s", kind->name, kind->doubt);
}

/* The program would have said how it ended, or its collector would: but nobody read on. */
static void tell_stop(const struct teller *teller, const struct profile_run *run)
{
	const struct units_text waited = units_seconds((double)run->waited_ns / 1e9);
	const bool long_wait = run->waited_ns >= WORTH_TELLING_NS;
	tell(teller,
	     "recording stopped at %s, before the program's end: its collector stood"
	     " still or was killed%s%s%s",
	     units_seconds((double)run->duration_ms / 1000).text,
	     long_wait ? "; the program waited " : "", long_wait ? waited.text : "",
	     long_wait ? " for it" : "");
}

void doubts_of(const struct profile *profile, doubts_each *each, void *user)
{
	const struct teller teller = {each, user};
	const struct profile_run *run = &profile->run;
	const char *stacks = profile_info(profile, "stacks");
	/* Every run has a number: without one its section couldn't be read. */
	const bool known = run->run_id != 0;
	if (stacks && strcmp(stacks, "on") != 0)
		tell(&teller, "Python stacks are %s", stacks);
	tell_unseen(&teller, profile);
	tell_file_system(&teller, profile);
	tell_counts(&teller, run);
	tell_damage(&teller, profile);
	tell_audits(&teller, profile);
	if (known && !(run->flags & PROFILE_CONSERVED))
		tell(&teller, "allocated less freed is not what is live, for some stack: please"
			      " report this as a bug of memtrace");
	if (known && run->end == PROFILE_RUNNING && !(run->flags & PROFILE_SO_FAR))
		tell_stop(&teller, run);
	if (known && run->crash_safe_until_ms != UINT64_MAX)
		tell(&teller,
		     "the journal ended at %s (a full disk?): a kill after that would"
		     " have lost events",
		     units_seconds((double)run->crash_safe_until_ms / 1000).text);
	for (size_t i = 0; i < profile->problem_count; i++)
		tell(&teller, "%s", profile->problems[i]);
}

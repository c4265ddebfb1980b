/* Which audit a report tells of, and what it and the arenas read like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "../../reporter/report.h"

enum { MIB = 1 << 20 };

/* Two marks with an audit each, between them one whose mark is gone. */
struct made {
	struct profile profile;
	struct profile_audit audits[3];
	struct profile_audit_difference difference;
	struct report report;
};

static void make(struct made *made)
{
	*made = (struct made){
		.audits = {{.mark = 0, .blocks = 10, .time_ms = 1000},
			   {.mark = 4,
			    .arenas = 2,
			    .blocks = 1234567,
			    .differing_blocks = 3,
			    .pause_ns = 12000000,
			    .time_ms = 5000},
			   {.mark = PROFILE_PEAK, .blocks = 30, .time_ms = 3000}},
		.difference = {.arena = 0x7f0000100000,
			       .pool = 0x7f0000104000,
			       .audit = 1,
			       .map_class = 4,
			       .header_class = 2,
			       .map_blocks = 7,
			       .header_blocks = 6,
			       .differing_blocks = 3},
	};
	made->profile.audits = made->audits;
	made->profile.audit_count = 3;
	made->profile.differences = &made->difference;
	made->profile.difference_count = 1;
	made->report.profile = &made->profile;
}

static const struct profile_audit *at_mark(struct made *made, size_t mark, double seconds)
{
	made->report.to =
		(struct moment){.kind = MOMENT_MARK, .mark = mark, .seconds = seconds};
	return report_audit(&made->report);
}

static void the_last_audit_up_to_a_moment_counts(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	assert_ptr_equal(at_mark(&made, 0, 1), &made.audits[0]);
	assert_ptr_equal(at_mark(&made, 1, 2.9), &made.audits[0]);
	assert_ptr_equal(at_mark(&made, 2, 3), &made.audits[2]);
	assert_ptr_equal(at_mark(&made, 4, 5), &made.audits[1]);
	made.report.to = (struct moment){.kind = MOMENT_LAST, .seconds = 9};
	assert_ptr_equal(report_audit(&made.report), &made.audits[1]);
	made.report.to = (struct moment){.kind = MOMENT_START};
	assert_null(report_audit(&made.report));
}

/* The caller's to free. */
static char *print(const struct report *report)
{
	const struct caption_folder folder = {""};
	char *text = NULL;
	size_t len;
	struct term term = {.out = open_memstream(&text, &len)};
	report_arenas(report, &term, UNITS_IEC, &folder);
	fclose(term.out);
	return text;
}

static void differences_are_shown_with_their_pool(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	assert_non_null(at_mark(&made, 4, 5));
	char *text = print(&made.report);
	assert_non_null(strstr(text, "audit: 1,234,567 blocks in 2 arenas read from the"
				     " interpreter's own pool headers, 3 differ (12 ms)\n"));
	assert_non_null(strstr(text, "arena 0x7f0000100000, pool 0x7f0000104000: 7 blocks of 64"
				     " bytes here, 6 of 32 in the interpreter; 3 differ\n"));
	free(text);

	/* Another audit's differences are none of this one. */
	assert_non_null(at_mark(&made, 0, 1));
	text = print(&made.report);
	assert_non_null(strstr(text, "audit: 10 blocks"));
	assert_null(strstr(text, "pool 0x"));
	free(text);
}

static void arenas_take_one_line_unless_they_are_fragmented(void **state)
{
	(void)state;
	struct made made;
	make(&made);
	made.profile.audit_count = 0;
	made.profile.run.end = PROFILE_UNDERSCORE_EXIT;
	made.report.to = (struct moment){.kind = MOMENT_LAST, .name = "end"};
	made.report.fragmentation = (struct fragmentation){.known = true,
							   .arenas = 1,
							   .bytes = MIB,
							   .blocks = 9,
							   .block_bytes = MIB / 2,
							   .header_bytes = 480,
							   .free_bytes = MIB / 2 - 480};
	char *text = print(&made.report);
	assert_string_equal(text, "\n1 arena of 1.0 MiB at end: 512 KiB live in 9 blocks, 480 B"
				  " pool headers, 512 KiB free (50 %)\n"
				  "no audit: a process that leaves by _exit makes none\n");
	free(text);
	made.report.fragmentation = (struct fragmentation){.known = true,
							   .why_none = "a reason"};
	text = print(&made.report);
	assert_string_equal(text, "\nno arenas at end: a reason\n");
	free(text);
}

static const char *why_none(struct made *made, uint32_t end, enum moment_kind kind)
{
	made->profile.run.end = end;
	made->report.to = (struct moment){.kind = kind};
	return report_why_no_audit(&made->report);
}

static void a_missing_audit_has_a_reason(void **state)
{
	(void)state;
	static char said[] = "audit\0off: a reason";
	struct made made;
	make(&made);
	assert_null(why_none(&made, PROFILE_EXIT, MOMENT_LAST));
	made.profile.audit_count = 0;
	made.profile.mark_count = 2;
	assert_non_null(strstr(why_none(&made, PROFILE_DIED, MOMENT_LAST), "died"));
	assert_non_null(strstr(why_none(&made, PROFILE_EXEC, MOMENT_LAST), "another program"));
	assert_non_null(strstr(why_none(&made, PROFILE_EXIT, MOMENT_LAST), "ended before"));
	assert_non_null(strstr(why_none(&made, PROFILE_EXIT, MOMENT_MARK), "=marks"));
	made.report.running = true;
	assert_non_null(strstr(why_none(&made, PROFILE_RUNNING, MOMENT_LAST), "still runs"));
	made.profile.info = said;
	made.profile.info_bytes = sizeof said;
	assert_string_equal(why_none(&made, PROFILE_EXIT, MOMENT_LAST), "a reason");
	made.report.fragmentation.known = true;
	assert_string_equal(why_none(&made, PROFILE_EXIT, MOMENT_LAST), "there are no arenas");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_audit_up_to_a_moment_counts),
		cmocka_unit_test(differences_are_shown_with_their_pool),
		cmocka_unit_test(arenas_take_one_line_unless_they_are_fragmented),
		cmocka_unit_test(a_missing_audit_has_a_reason),
	};
	return cmocka_run_group_tests_name("report_arenas", tests, NULL, NULL);
}

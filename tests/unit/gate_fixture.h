/*
 * gate_fixture.h - results of a gate by hand: what a name may hold at worst, and more findings
 * than any surface shows.
 */
#ifndef TESTS_GATE_FIXTURE_H
#define TESTS_GATE_FIXTURE_H

#include <math.h>

#include "gate_result_by_chance.h"

/* The syntax of every format, control characters, bytes that aren't UTF-8, a snake. */
#define GATE_NASTY                                                                       \
	"<b>&amp;\"'\n\r\t%0A|`` ```\\|\x01\x1b[31m\x7f\xff\xed\xa0\x80\xf0\x9f\x90\x8d" \
	"\xe2\x80\xae]]>--><!--,:::error::{0}[x](1)\n# EOF\n::error::injected\n</testsuite>"

static inline struct gate_check check_by_hand(enum gate_check_kind kind,
					      enum gate_outcome outcome, const char *title,
					      const char *message)
{
	return (struct gate_check){
		.kind = kind,
		.outcome = outcome,
		.metric = kind == GATE_CHECK_BUDGET ? GATE_LIVE_END : GATE_NO_METRIC,
		.measured = 3 << 20,
		.limit = 1 << 20,
		.baseline = NAN,
		.title = mem_text(title),
		.message = mem_text(message),
	};
}

/* Markdown that needs no brackets, each at the beginning of a line of its own. */
static const char *const gate_markdown_traps[] = {
	"- a",
	"1. a",
	"2) a",
	"+ a",
	"---",
	"===",
	"    code",
	"# head",
	"_a_ __b__",
	"*a*",
	"www.example.com",
	"http://example.com",
	"a@example.com",
	"@team",
	"| a | b |",
	"~~a~~",
};

/* A failed budget, then `failed` new sites and `warned` leaks, each of a line of its own. */
static inline struct gate_result result_by_hand(const char *name, size_t failed, size_t warned)
{
	const size_t sites = failed + warned;
	struct gate_result result = {
		.status = GATE_REGRESSION,
		.command = mem_text("memtrace gate -- python app.py"),
		.environment = environment_by_hand(),
		.sites = mem_alloc(sites * sizeof result.sites[0]),
		.site_count = sites,
		.checks = mem_alloc((sites + 2) * sizeof result.checks[0]),
	};
	result.metrics[GATE_LIVE_END] = measure_of(3 << 20, 0, 1);
	result.checks[result.check_count++] = check_by_hand(GATE_CHECK_BUDGET, GATE_FAILED,
							    "live_end", "live_end is 3.0 MiB");
	for (size_t i = 0; i < sites; i++) {
		char key[400], title[400];
		snprintf(key, sizeof key, "main > %s%zu", name, i);
		snprintf(title, sizeof title, "new site: %s%zu", name, i);
		struct gate_site *site = &result.sites[i];
		site_init(site, key, (double)((sites - i) << 10), 2);
		free(site->frames[0].function);
		free(site->frames[0].file);
		site->frames[0].function = mem_text(name);
		site->frames[0].file = mem_text(i % 2 ? name : "shop/app store.py");
		site->frames[0].line = (int32_t)i + 1;
		/* What would end a fence of the usual length. */
		site->source = mem_text(i == 0 && !strcmp(name, GATE_NASTY) ? "````" : name);
		struct gate_check *check = &result.checks[result.check_count++];
		*check = check_by_hand(i < failed ? GATE_CHECK_NEW_SITE : GATE_CHECK_LEAK,
				       i < failed ? GATE_FAILED : GATE_WARNED, title, title);
		check->site = site;
	}
	result.checks[result.check_count++] = check_by_hand(
		GATE_CHECK_BUDGET, GATE_PASSED, "peak_live", "peak_live is 3.0 MiB");
	const size_t traps = sizeof gate_markdown_traps / sizeof gate_markdown_traps[0];
	result.warnings = mem_alloc((traps + 1) * sizeof result.warnings[0]);
	for (size_t i = 0; i < traps && !strcmp(name, GATE_NASTY); i++)
		result.warnings[result.warning_count++] = mem_text(gate_markdown_traps[i]);
	result.warnings[result.warning_count++] = mem_text(name);
	return result;
}

static inline struct gate_result result_without_verdict(void)
{
	return (struct gate_result){
		.status = GATE_NO_VERDICT,
		.why = mem_text(GATE_NASTY),
		.command = mem_text("memtrace gate -- python app.py"),
		.environment = environment_by_hand(),
	};
}

#endif

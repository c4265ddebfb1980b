#include "report_make.h"

/* What is asked of one grouping. */
struct answers {
	struct growth growth;
	struct history history;
	struct births births;
	struct leak_tests leaks;
	struct pinning pinning;
};

static void answers_compute(const struct report *report, const struct grouping *grouping,
			    struct answers *ret_answers)
{
	const struct growth_query query = {grouping, report->from, report->to};
	growth_compute(&query, &ret_answers->growth);
	history_compute(grouping, &report->from, &report->to, &ret_answers->history);
	births_compute(grouping, &ret_answers->history, &report->from, &ret_answers->births);
	leak_tests_compute(grouping, &ret_answers->history, &ret_answers->births, &report->to,
			   &ret_answers->leaks);
	pinning_compute(&report->arenas, grouping, report->to.seconds, &ret_answers->pinning);
}

static void answers_release(struct answers *answers)
{
	pinning_release(&answers->pinning);
	leak_tests_release(&answers->leaks);
	births_release(&answers->births);
	history_release(&answers->history);
	growth_release(&answers->growth);
}

static void find_verdict(const struct report *report, const struct report_query *query,
			 const struct answers *answers, struct verdict *ret_verdict)
{
	const struct verdict_query asked = {
		.profile = report->profile,
		.moment = report->to,
		.fragmentation = &report->fragmentation,
		.heap = &report->heap,
		.resident = &report->resident,
		.pinning = &answers->pinning,
		.growth = &answers->growth,
		.leaks = &answers->leaks,
		.by = report->by,
		.units = query->units,
		.folder = query->whole_paths ? (struct caption_folder){""}
					     : caption_working_directory(),
	};
	verdict_find(&asked, ret_verdict);
}

/* Nothing is left out of what a verdict rests on. */
static void find_whole_verdict(struct report *report, const struct report_query *query)
{
	struct grouping whole = {.lines = report->lines, .by = report->by};
	struct answers answers;
	grouping_compute(&whole);
	answers_compute(report, &whole, &answers);
	find_verdict(report, query, &answers, &report->verdict);
	answers_release(&answers);
	grouping_release(&whole);
}

static void compute(struct report *report, const struct report_query *query)
{
	struct answers answers;
	report->lines = lines_new(report->profile, report->by == GROUPING_BY_THREAD);
	if (query->own)
		lines_set_own(report->lines, query->own);
	report->grouping = (struct grouping){
		.lines = report->lines,
		.by = report->by,
		.focus = query->focus,
		.ignore = query->ignore,
	};
	grouping_compute(&report->grouping);
	arenas_at(report->profile, &report->to, &report->arenas);
	fragmentation_compute(report->profile, &report->to, &report->arenas,
			      &report->fragmentation);
	report->heap = c_heap_at(report->profile, &report->to);
	report->resident = resident_set_at(report->profile, &report->to);
	mapped_lines_compute(report->lines, report->by, &report->resident, &report->mapped);
	answers_compute(report, &report->grouping, &answers);
	if (report->filtered)
		find_whole_verdict(report, query);
	else
		find_verdict(report, query, &answers, &report->verdict);
	report->growth = answers.growth;
	report->history = answers.history;
	report->births = answers.births;
	report->leaks = answers.leaks;
	freers_compute(&report->grouping, &report->freers);
	report->pinning = answers.pinning;
}

int report_make(const struct report_query *query, const struct selected *selected,
		struct report *ret_report, struct err *err)
{
	struct report report = {
		.profile = selected->profile,
		.by = query->by,
		.limit = query->limit,
		.running = selected->running,
		.recovered_now = selected->recovered_now,
		.filtered = query->focus || query->ignore,
		.frees = query->frees,
	};
	if (moment_find_span(selected->profile, query->from, query->to, &report.from,
			     &report.to, err)) {
		profile_free(selected->profile);
		return -1;
	}
	/* No row needs the blocks, but damage in them is told with the rest. */
	profile_check_blocks(selected->profile);
	compute(&report, query);
	if (query->births && moment_is_end(report.profile, &report.to))
		births_find_living(&report.births, &report.grouping, &report.history,
				   &report.from, report.profile);
	*ret_report = report;
	return 0;
}

int report_open(const struct report_query *query, const char *name, struct report *ret_report,
		struct err *err)
{
	struct selected selected;
	return select_open(name, &selected, err)
		       ? -1
		       : report_make(query, &selected, ret_report, err);
}

void report_release(struct report *report)
{
	verdict_release(&report->verdict);
	pinning_release(&report->pinning);
	arenas_release(&report->arenas);
	leak_tests_release(&report->leaks);
	freers_release(&report->freers);
	mapped_lines_release(&report->mapped);
	births_release(&report->births);
	history_release(&report->history);
	growth_release(&report->growth);
	grouping_release(&report->grouping);
	lines_free(report->lines);
	profile_free(report->profile);
}

#include "next_step.h"

#include <string.h>

#include "../collector/linetable.h"
#include "shell_word.h"

static void append_text(struct buf *text, const char *part)
{
	buf_append(text, part, strlen(part));
}

static void append_moments(const struct report *report, struct buf *text)
{
	if (strcmp(report->from.name, moment_beginning(report->profile)) != 0) {
		append_text(text, " --from ");
		shell_word_append(text, report->from.name);
	}
	if (strcmp(report->to.name, "end") != 0) {
		append_text(text, " --to ");
		shell_word_append(text, report->to.name);
	}
}

/* The leak that is surest and fastest; without any, what grew most. */
static const struct growth_row *row_to_look_at(const struct report *report)
{
	const struct growth *growth = &report->growth;
	const struct growth_row *worst = growth->row_count ? &growth->rows[0] : NULL;
	double score = 0;
	for (size_t i = 0; i < growth->row_count; i++) {
		const struct leak_test *test = &report->leaks.items[growth->rows[i].index];
		if (test->kind != LEAK_LEAKS || test->score <= score)
			continue;
		worst = &growth->rows[i];
		score = test->score;
	}
	return worst;
}

/* The space ends the number: line 4 isn't line 41. */
static void append_focus(const struct report *report, struct buf *text)
{
	const bool by_line = report->by == GROUPING_BY_LINE || report->by == GROUPING_BY_OWN;
	const struct growth_row *row = row_to_look_at(report);
	const struct group *group = row ? &row->group : NULL;
	if (!by_line || !group || !group->file || group->line == LINE_NONE)
		return;
	const char *slash = strrchr(group->file, '/');
	const char *name = slash ? slash + 1 : group->file;
	char focus[300];
	/* What a regular expression would take for something else. */
	if (strpbrk(name, "[](){}*+?|^$\\") || strlen(name) > 255)
		return;
	snprintf(focus, sizeof focus, "%s:%d ", name, group->line);
	append_text(text, " --focus ");
	shell_word_append(text, focus);
}

void next_step_append(const struct report *report, const char *path, struct buf *text)
{
	const bool stacks = report->by == GROUPING_BY_STACK;
	append_text(text,
		    stacks ? "memtrace report --by own" : "memtrace report --by stack -n 1");
	append_moments(report, text);
	append_focus(report, text);
	append_text(text, " ");
	shell_word_append(text, path);
	append_text(text, stacks ? "    lines of your own code" : "    who calls it");
}

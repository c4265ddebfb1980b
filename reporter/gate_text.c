#include "gate_text.h"

#include <string.h>

#include "gate_surface.h"

static const char *const words[] = {
	[GATE_FINE] = "passed",
	[GATE_REGRESSION] = "FAILED",
	[GATE_NO_VERDICT] = "no verdict",
	[GATE_COMMAND_FAILED] = "no verdict",
};

static void write_head(const struct gate_result *result, const struct term *term)
{
	const char *color = result->status == GATE_FINE ? term_bold(term) : term_alarm(term);
	fprintf(term->out, "%sgate: %s%s", color, words[result->status], term_plain(term));
	const char *trouble = gate_surface_trouble(result);
	if (trouble) {
		fputs(": ", term->out);
		term_text(term, trouble);
	} else if (!result->check_count) {
		fputs(": measured, and compared with nothing", term->out);
	} else {
		fprintf(term->out, ": %zu of %zu checks failed",
			gate_result_count(result, GATE_FAILED), result->check_count);
		if (gate_result_count(result, GATE_WARNED))
			fprintf(term->out, ", %zu warned",
				gate_result_count(result, GATE_WARNED));
	}
	fputc('\n', term->out);
}

static void write_site(const struct gate_site *site, const struct term *term)
{
	struct buf lines;
	buf_init(&lines);
	gate_surface_put_stack(&lines, site);
	buf_u8(&lines, '\0');
	for (char *at = (char *)lines.data; *at;) {
		char *end = at + strcspn(at, "\n");
		const bool last = !*end;
		*end = '\0';
		fputs("    ", term->out);
		term_text(term, at);
		fputc('\n', term->out);
		at = last ? end : end + 1;
	}
	buf_release(&lines);
}

static void write_check(const struct gate_check *check, const struct term *term)
{
	const bool failed = check->outcome == GATE_FAILED;
	fprintf(term->out, "\n%s%s%s ", failed ? term_alarm(term) : term_bold(term),
		failed ? "failed:" : "warning:", term_plain(term));
	term_text(term, check->title);
	fputs("\n    ", term->out);
	term_text(term, check->message);
	fputc('\n', term->out);
	if (check->site)
		write_site(check->site, term);
}

static void write_metrics(const struct gate_result *result, const struct term *term)
{
	size_t known = 0;
	for (size_t i = 0; i < GATE_METRIC_COUNT; i++)
		known += result->metrics[i].runs > 0;
	if (!known)
		return;
	fputs("\nmeasured:", term->out);
	for (size_t i = 0, told = 0; i < GATE_METRIC_COUNT; i++)
		if (result->metrics[i].runs)
			fprintf(term->out, "%s %s %s", told++ ? "," : "", gate_metrics[i].key,
				gate_surface_figure(i, result->metrics[i].median).text);
	fputc('\n', term->out);
}

void gate_text_write(const struct gate_result *result, const struct term *term)
{
	write_head(result, term);
	for (size_t i = 0; i < result->check_count; i++)
		if (gate_surface_is_finding(&result->checks[i]))
			write_check(&result->checks[i], term);
	for (size_t i = 0; i < result->warning_count; i++) {
		fprintf(term->out, "\n%swarning:%s ", term_bold(term), term_plain(term));
		term_text(term, result->warnings[i]);
		fputc('\n', term->out);
	}
	if (!gate_surface_trouble(result))
		write_metrics(result, term);
	if (result->command) {
		fputs("again: ", term->out);
		term_text(term, result->command);
		fputc('\n', term->out);
	}
}

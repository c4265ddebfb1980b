/* The head of a report of several processes, for people. */
#include "doubts.h"
#include "merge.h"
#include "paragraph.h"

struct doubter {
	const struct term *term;
	uint32_t pid;
};

static void print_doubt(void *user, const char *sentence)
{
	const struct doubter *doubter = user;
	const struct term *term = doubter->term;
	fprintf(term->out, "%swarning: pid %u: ", term_alarm(term), doubter->pid);
	term_text(term, sentence);
	fprintf(term->out, "%s\n", term_plain(term));
}

/* Whose parent isn't among them says at least its number. */
static void print_origin(const struct report *part, const struct lineage_place *place,
			 const struct term *term)
{
	const uint64_t parent = lineage_parent_pid(part->profile);
	if (lineage_words[place->how])
		fprintf(term->out, ", %s", lineage_words[place->how]);
	if (place->parent == SIZE_MAX && parent)
		fprintf(term->out, "%s %llu", place->how ? " by" : ", parent",
			(unsigned long long)parent);
}

static void print_process(const struct report *part, const struct lineage_place *place,
			  const struct term *term, enum units_kind units)
{
	const struct profile *profile = part->profile;
	const char *program = profile_info(profile, "program");
	char end[80];
	report_end(part, end, sizeof end);
	fprintf(term->out, "%*spid %u ", 2 * (int)place->depth, "", profile->run.pid);
	term_text(term, program && *program ? program : profile->path);
	print_origin(part, place, term);
	fprintf(term->out, ", %s after %s, live at %s %s in %s blocks\n", end,
		units_seconds((double)profile->run.duration_ms / 1000).text, part->to.name,
		units_size(units, moment_live_bytes(profile, &part->to)).text,
		units_count(moment_live_blocks(profile, &part->to)).text);
}

void report_tree(const struct report *parts, const struct lineage *lineage,
		 const struct term *term, enum units_kind units)
{
	fprintf(term->out, "%zu process%s, children below their parents:\n", lineage->count,
		lineage->count == 1 ? "" : "es");
	for (size_t i = 0; i < lineage->count; i++)
		print_process(&parts[lineage->places[i].part], &lineage->places[i], term,
			      units);
}

/* The first reason and the first remedy: the rest is in the process' own report. */
static void print_verdict(const struct report *part, const struct term *term)
{
	const struct verdict *verdict = &part->verdict;
	if (verdict->kind == VERDICT_NONE)
		return;
	paragraph_printf(term, "pid %u: %s: %s", part->profile->run.pid,
			 verdict_kind_names[verdict->kind], verdict->reasons[0]);
	if (verdict->advice[0])
		report_advice(verdict->advice[0], term);
}

void report_processes(const struct report *report, const struct term *term,
		      enum units_kind units)
{
	const struct merge *merge = report->merge;
	const struct lineage *lineage = &merge->lineage;
	report_tree(merge->parts, lineage, term, units);
	for (size_t i = 0; i < lineage->count; i++) {
		const struct report *part = &merge->parts[lineage->places[i].part];
		struct doubter doubter = {term, part->profile->run.pid};
		doubts_of(part->profile, print_doubt, &doubter);
	}
	for (size_t i = 0; i < lineage->count; i++)
		print_verdict(&merge->parts[lineage->places[i].part], term);
}

#include "gate_markdown.h"

#include <string.h>
#include <strings.h>

#include "characters.h"
#include "gate_surface.h"

/* For the line that says what was left out. */
enum { RESERVED_BYTES = 200 };

struct markdown {
	FILE *out;
	size_t left; /* bytes that may still be written */
	size_t left_out;
};

/* Whole or not at all; after one that didn't fit nothing comes, for it would be less bad. */
static void write_block(struct markdown *markdown, struct buf *block)
{
	if (markdown->left_out || block->len > markdown->left) {
		markdown->left_out++;
	} else {
		fwrite(block->data, 1, block->len, markdown->out);
		markdown->left -= block->len;
	}
	block->len = 0;
}

static bool is_plain(const char *text)
{
	return *text && !text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,-+=")];
}

/* As references of characters, which are never syntax. */
static void put_referenced(struct buf *block, uint32_t character)
{
	if (characters_is_control(character))
		characters_put(block, CHARACTERS_REPLACEMENT);
	else if (character < 0x80 &&
		 strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", (int)character))
		buf_printf(block, "&#%u;", character);
	else
		characters_put(block, character);
}

/*
 * A name as code, in which nobody is mentioned and nothing is linked; spans in backticks can't
 * hold every name, least of all in a table.
 */
static void put_code(struct buf *block, const char *text)
{
	if (is_plain(text)) {
		buf_printf(block, "`%s`", text);
		return;
	}
	buf_printf(block, "<code>");
	for (uint32_t character; (character = characters_next(&text));)
		put_referenced(block, character);
	buf_printf(block, "</code>");
}

static bool is_alnum(int byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z');
}

/*
 * Whether a character of a sentence is no syntax where it stands, `at`. What only numbers are
 * before may begin a list; "www." and "://" are links without any brackets.
 */
static bool is_prose(const char *begin, const char *at, bool numbers)
{
	if (*at == ' ')
		return true;
	if (numbers)
		return false;
	if (*at == '_')
		return is_alnum(at[-1]) && is_alnum(at[1]);
	if (*at == '.')
		return at - begin < 3 || strncasecmp(at - 3, "www", 3) != 0;
	return strchr(",:;-'()+=/%\"", *at) && strncmp(at, "://", 3) != 0;
}

/* A sentence. What mentions people and issues is parted from its name by an empty comment. */
static void put_prose(struct buf *block, const char *text)
{
	text += strspn(text, " ");
	const char *const begin = text, *at = text;
	const size_t numbers = strspn(text, "0123456789");
	for (uint32_t character; (character = characters_next(&text)); at = text) {
		const bool ascii = character < 0x80;
		if (ascii && is_prose(begin, at, at <= begin + numbers))
			characters_put(block, character);
		else
			put_referenced(block, character);
		if (ascii && strchr("@#!~%$&/", (int)character) && is_alnum(*text))
			buf_printf(block, "<!-- -->");
	}
}

static size_t longest_run(const struct buf *text)
{
	size_t longest = 2, run = 0;
	for (size_t i = 0; i < text->len; i++) {
		run = text->data[i] == '`' ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

static void put_fence(struct buf *block, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf_u8(block, '`');
}

/* Lines as they are: no run of backticks in them is as long as the fence. */
static void put_fenced(struct buf *block, const char *language, const struct buf *lines)
{
	const size_t fence = longest_run(lines) + 1;
	put_fence(block, fence);
	buf_printf(block, "%s\n", language);
	buf_append(block, lines->data, lines->len);
	if (lines->len && lines->data[lines->len - 1] != '\n')
		buf_u8(block, '\n');
	put_fence(block, fence);
	buf_printf(block, "\n\n");
}

static void put_fenced_line(struct buf *block, const char *language, const char *line)
{
	struct buf lines;
	buf_init(&lines);
	characters_put_line(&lines, line);
	put_fenced(block, language, &lines);
	buf_release(&lines);
}

static void write_verdict(struct markdown *markdown, const struct gate_result *result,
			  struct buf *block)
{
	static const char *const words[] = {
		[GATE_FINE] = "passed",
		[GATE_REGRESSION] = "failed",
		[GATE_NO_VERDICT] = "no verdict",
		[GATE_COMMAND_FAILED] = "the command failed",
	};
	const char *const trouble = gate_surface_trouble(result);
	buf_printf(block,
		   "### memtrace gate: %s\n\n%zu of %zu checks failed, %zu warned, %zu without "
		   "an outcome\n\n",
		   words[result->status], gate_result_count(result, GATE_FAILED),
		   result->check_count, gate_result_count(result, GATE_WARNED),
		   gate_result_count(result, GATE_UNKNOWN));
	write_block(markdown, block);
	if (trouble) {
		put_prose(block, trouble);
		buf_printf(block, "\n\n");
		write_block(markdown, block);
	}
}

static void put_cell(struct buf *block, struct gate_surface_text text)
{
	buf_printf(block, " %s |", text.text);
}

static void write_budgets(struct markdown *markdown, const struct gate_result *result,
			  struct buf *block)
{
	bool some = false;
	for (size_t i = 0; i < result->check_count; i++) {
		const struct gate_check *check = &result->checks[i];
		if (check->kind != GATE_CHECK_BUDGET)
			continue;
		if (!some)
			buf_printf(block, "| outcome | budget | measured | limit | baseline |\n"
					  "|---|---|---:|---:|---:|\n");
		some = true;
		buf_printf(block, "| %s | ", gate_surface_outcome(check->outcome));
		put_code(block, check->title ? check->title : "budget");
		buf_printf(block, " |");
		put_cell(block, gate_surface_figure(check->metric, check->measured));
		put_cell(block, gate_surface_figure(check->metric, check->limit));
		put_cell(block, gate_surface_figure(check->metric, check->baseline));
		buf_u8(block, '\n');
		write_block(markdown, block);
	}
	if (some && !markdown->left_out) {
		buf_u8(block, '\n');
		write_block(markdown, block);
	}
}

static void put_place(struct buf *block, const struct gate_frame *place)
{
	struct buf text;
	buf_init(&text);
	gate_surface_put_frame(&text, place);
	buf_u8(&text, '\0');
	put_code(block, buf_chars(&text));
	buf_printf(block, "\n\n");
	buf_release(&text);
}

static void put_site(struct buf *block, const struct gate_site *site)
{
	struct buf stack;
	buf_init(&stack);
	if (site->frame_count)
		put_place(block, &site->frames[0]);
	if (site->source)
		put_fenced_line(block, "python", site->source);
	gate_surface_put_stack(&stack, site);
	buf_printf(block, "<details><summary>stack</summary>\n\n");
	put_fenced(block, "text", &stack);
	buf_printf(block, "</details>\n\n");
	buf_release(&stack);
}

static void write_finding(struct markdown *markdown, const struct gate_check *check,
			  struct buf *block)
{
	buf_printf(block, "#### %s: ", gate_surface_outcome(check->outcome));
	put_code(block, check->title ? check->title : "check");
	buf_printf(block, "\n\n");
	put_prose(block, check->message ? check->message : "");
	buf_printf(block, "\n\n");
	if (check->site)
		put_site(block, check->site);
	write_block(markdown, block);
}

static void write_warnings(struct markdown *markdown, const struct gate_result *result,
			   struct buf *block)
{
	for (size_t i = 0; i < result->warning_count; i++) {
		buf_printf(block, "- ");
		put_prose(block, result->warnings[i]);
		buf_printf(block, "\n");
		write_block(markdown, block);
	}
}

static void write_end(struct markdown *markdown, const struct gate_result *result,
		      struct buf *block)
{
	if (result->command && !markdown->left_out) {
		buf_printf(block, "\nTo run it again:\n\n");
		put_fenced_line(block, "sh", result->command);
		write_block(markdown, block);
	}
	if (markdown->left_out)
		fprintf(markdown->out, "\n%zu more %s left out here.\n", markdown->left_out,
			markdown->left_out == 1 ? "row is" : "rows are");
}

void gate_markdown_write(const struct gate_result *result, size_t limit_bytes, FILE *out)
{
	if (limit_bytes < RESERVED_BYTES)
		return;
	struct markdown markdown = {.out = out, .left = limit_bytes - RESERVED_BYTES};
	struct buf block;
	buf_init(&block);
	write_verdict(&markdown, result, &block);
	write_budgets(&markdown, result, &block);
	for (size_t i = 0; i < result->check_count; i++)
		if (gate_surface_is_finding(&result->checks[i]))
			write_finding(&markdown, &result->checks[i], &block);
	write_warnings(&markdown, result, &block);
	write_end(&markdown, result, &block);
	buf_release(&block);
}

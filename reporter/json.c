#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

void json_init(struct json *json, FILE *out, int line_depth)
{
	*json = (struct json){.out = out, .line_depth = line_depth};
}

static void begin_line(struct json *json)
{
	if (json->depth > json->line_depth || json->depth == 0)
		return;
	fprintf(json->out, "\n%*s", json->depth, "");
}

/* Of two bytes or more. */
static int long_sequence(const unsigned char *at)
{
	const unsigned char first = *at;
	const int len = first < 0xc2   ? 0
			: first < 0xe0 ? 2
			: first < 0xf0 ? 3
			: first < 0xf5 ? 4
				       : 0;
	for (int i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong, surrogates, beyond U+10FFFF. */
	if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] >= 0xa0) ||
	    (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] >= 0x90))
		return 0;
	return len;
}

int json_utf8_length(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	return *at && *at < 0x80 ? 1 : long_sequence(at);
}

void json_put_string(FILE *out, const char *text)
{
	putc('"', out);
	for (const unsigned char *at = (const unsigned char *)text; *at;) {
		const int len = *at < 0x80 ? 1 : long_sequence(at);
		if (*at == '"' || *at == '\\')
			fprintf(out, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(out, "\\u%04x", *at);
		else if (len == 0)
			fputs("\\ufffd", out);
		else
			fwrite(at, 1, (size_t)len, out);
		at += len ? len : 1;
	}
	putc('"', out);
}

static void begin_value(struct json *json, const char *key)
{
	assert(!json->depth || (json->closers[json->depth] == '}') == (key != NULL));
	if (json->started[json->depth])
		putc(',', json->out);
	json->started[json->depth] = true;
	begin_line(json);
	if (key) {
		json_put_string(json->out, key);
		putc(':', json->out);
	}
}

static void open_value(struct json *json, const char *key, char opener, char closer)
{
	assert(json->depth < JSON_MAX_DEPTH);
	begin_value(json, key);
	putc(opener, json->out);
	json->depth++;
	json->started[json->depth] = false;
	json->closers[json->depth] = closer;
}

void json_open_object(struct json *json, const char *key)
{
	open_value(json, key, '{', '}');
}

void json_open_array(struct json *json, const char *key)
{
	open_value(json, key, '[', ']');
}

void json_close(struct json *json)
{
	assert(json->depth > 0);
	putc(json->closers[json->depth], json->out);
	json->depth--;
	if (json->depth == 0) {
		putc('\n', json->out);
		/* The next value is a document of its own. */
		json->started[0] = false;
	}
}

void json_text(struct json *json, const char *key, const char *text)
{
	begin_value(json, key);
	if (text)
		json_put_string(json->out, text);
	else
		fputs("null", json->out);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	fprintf(json->out, "%" PRId64, value);
}

void json_double(struct json *json, const char *key, double value, int decimals)
{
	begin_value(json, key);
	if (isfinite(value))
		fprintf(json->out, "%.*f", decimals, value);
	else
		fputs("null", json->out);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	fputs(value ? "true" : "false", json->out);
}

void json_put_null(struct json *json, const char *key)
{
	begin_value(json, key);
	fputs("null", json->out);
}

void json_u64_or_null(struct json *json, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		json_put_null(json, key);
	else
		json_u64(json, key, value);
}

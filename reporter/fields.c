#include "fields.h"

#include <inttypes.h>

#include "../collector/profile.h"

void fields_init(struct fields *fields, FILE *out, bool as_json)
{
	*fields = (struct fields){.as_json = as_json, .out = out};
	json_init(&fields->json, out, 0);
}

void fields_begin(struct fields *fields, const char *section)
{
	if (!fields->as_json) {
		fputs(section, fields->out);
		return;
	}
	json_open_object(&fields->json, NULL);
	json_text(&fields->json, "section", section);
}

void fields_end(struct fields *fields)
{
	if (fields->as_json)
		json_close(&fields->json);
	else
		putc('\n', fields->out);
}

void fields_text(struct fields *fields, const char *key, const char *text)
{
	if (fields->as_json) {
		json_text(&fields->json, key, text);
		return;
	}
	fprintf(fields->out, " %s=", key);
	if (text)
		json_put_string(fields->out, text);
	else
		fputs("null", fields->out);
}

void fields_u64(struct fields *fields, const char *key, uint64_t value)
{
	if (fields->as_json)
		json_u64(&fields->json, key, value);
	else
		fprintf(fields->out, " %s=%" PRIu64, key, value);
}

void fields_i64(struct fields *fields, const char *key, int64_t value)
{
	if (fields->as_json)
		json_i64(&fields->json, key, value);
	else
		fprintf(fields->out, " %s=%" PRId64, key, value);
}

void fields_null(struct fields *fields, const char *key)
{
	fields_text(fields, key, NULL);
}

void fields_u64s(struct fields *fields, const char *key, const uint64_t *values, size_t count)
{
	if (fields->as_json)
		json_open_array(&fields->json, key);
	else
		fprintf(fields->out, " %s=", key);
	for (size_t i = 0; i < count; i++) {
		if (fields->as_json)
			json_u64(&fields->json, NULL, values[i]);
		else
			fprintf(fields->out, "%s%" PRIu64, i ? "," : "", values[i]);
	}
	if (fields->as_json)
		json_close(&fields->json);
}

void fields_address(struct fields *fields, const char *key, uint64_t address)
{
	if (fields->as_json)
		json_u64(&fields->json, key, address);
	else
		fprintf(fields->out, " %s=0x%" PRIx64, key, address);
}

void fields_mark(struct fields *fields, const char *key, uint32_t mark)
{
	fields_known(fields, key, mark == PROFILE_PEAK ? UINT64_MAX : mark);
}

void fields_known(struct fields *fields, const char *key, uint64_t value)
{
	if (value == UINT64_MAX)
		fields_null(fields, key);
	else
		fields_u64(fields, key, value);
}

#include "settings.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "units.h"

static const char *name_of(const struct settings_place *place)
{
	return *place->key ? place->key : "the whole";
}

int settings_wrong(const struct settings_place *place, const char *what)
{
	return err_set(place->err, "%s: %s %s", place->path, name_of(place), what);
}

/* One level down; back again is to cut the place to what this returns. */
static size_t step_into(struct settings_place *place, const char *key)
{
	const size_t len = strlen(place->key);
	snprintf(place->key + len, sizeof place->key - len, "%s%s", len ? "." : "", key);
	return len;
}

static size_t step_into_item(struct settings_place *place, size_t index)
{
	const size_t len = strlen(place->key);
	snprintf(place->key + len, sizeof place->key - len, "[%zu]", index);
	return len;
}

static const struct settings_key *find_key(const struct settings_key *keys, const char *name)
{
	while (keys->name && strcmp(keys->name, name) != 0)
		keys++;
	return keys->name ? keys : NULL;
}

static int unknown_key(struct settings_place *place, const struct settings_key *keys,
		       const char *name)
{
	struct buf list;
	buf_init(&list);
	for (size_t i = 0; keys[i].name; i++)
		buf_printf(&list, "%s%s", i ? ", " : "", keys[i].name);
	buf_u8(&list, '\0');
	err_set(place->err, "%s: %s has no key '%s'; it has %s", place->path, name_of(place),
		name, (const char *)list.data);
	buf_release(&list);
	return -1;
}

int settings_read_table(struct settings_place *place, const json_t *table,
			const struct settings_key *keys, void *into)
{
	const char *name;
	json_t *value;
	if (!json_is_object(table))
		return settings_wrong(place, "isn't a table");
	json_object_foreach((json_t *)(uintptr_t)table, name, value)
	{
		const struct settings_key *key = find_key(keys, name);
		if (!key)
			return unknown_key(place, keys, name);
		const size_t back = step_into(place, name);
		if (key->read(place, value, (char *)into + key->offset))
			return -1;
		place->key[back] = '\0';
	}
	for (; keys->name; keys++)
		if (keys->needed && !json_object_get(table, keys->name))
			return err_set(place->err, "%s: %s has no %s, which it needs",
				       place->path, name_of(place), keys->name);
	return 0;
}

const char *settings_text(const json_t *value)
{
	const char *text = json_string_value(value);
	return text && *text && strlen(text) == json_string_length(value) ? text : NULL;
}

int settings_read_text(struct settings_place *place, const json_t *value, void *ret_value)
{
	char **ret_text = ret_value;
	const char *text = settings_text(value);
	if (!text)
		return settings_wrong(place, "isn't a text with anything in it");
	*ret_text = mem_text(text);
	return 0;
}

int settings_read_whole(struct settings_place *place, const json_t *value, int least, int most,
			double *ret_number)
{
	const json_int_t number = json_integer_value(value);
	char what[80];
	snprintf(what, sizeof what, "isn't a whole number from %d to %d", least, most);
	if (!json_is_integer(value) || number < least || number > most)
		return settings_wrong(place, what);
	*ret_number = (double)number;
	return 0;
}

/* A number from 0 on, or a text such as "64MiB". */
int settings_read_amount(struct settings_place *place, const json_t *value, void *ret_value)
{
	double *ret_amount = ret_value;
	const char *text = settings_text(value);
	if (text && units_parse_size(text, ret_amount) == 0)
		return 0;
	if (!json_is_number(value) || !(json_number_value(value) >= 0))
		return settings_wrong(
			place, "isn't an amount: a number from 0 on, or a text like \"64MiB\"");
	*ret_amount = json_number_value(value);
	return 0;
}

/* Of an array's items each becomes one of `item_bytes` behind the others. */
int settings_read_items(struct settings_place *place, const json_t *value, size_t item_bytes,
			settings_read *read, void *ret_items, size_t *ret_count)
{
	const size_t count = json_array_size(value);
	char **items = ret_items;
	if (!json_is_array(value))
		return settings_wrong(place, "isn't an array");
	*items = mem_alloc((count + 1) * item_bytes);
	for (size_t i = 0; i < count; i++) {
		const size_t back = step_into_item(place, i);
		*ret_count = i + 1;
		if (read(place, json_array_get(value, i), *items + i * item_bytes))
			return -1;
		place->key[back] = '\0';
	}
	return 0;
}

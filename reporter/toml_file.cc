#define TOML_EXCEPTIONS 0
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <toml++/toml.h>

extern "C" {
#include "toml_file.h"
}

static json_t *value_of(const toml::node &node);

static json_t *text_of(std::string_view text)
{
	return json_stringn_nocheck(text.data(), text.size());
}

static json_t *array_of(const toml::array &array)
{
	json_t *values = json_array();
	for (const toml::node &node : array)
		json_array_append_new(values, value_of(node));
	return values;
}

static json_t *table_of(const toml::table &table)
{
	json_t *values = json_object();
	for (auto &&[key, node] : table) {
		const std::string name(key.str());
		json_object_set_new_nocheck(values, name.c_str(), value_of(node));
	}
	return values;
}

/* JSON has no inf and nan: they become null, which is nobody's right type. */
static json_t *real_of(double value)
{
	json_t *real = json_real(value);
	return real ? real : json_null();
}

template <typename T> static json_t *written(const T &value)
{
	std::ostringstream text;
	text << value;
	return text_of(text.str());
}

static json_t *value_of(const toml::node &node)
{
	switch (node.type()) {
	case toml::node_type::table:
		return table_of(*node.as_table());
	case toml::node_type::array:
		return array_of(*node.as_array());
	case toml::node_type::string:
		return text_of(node.as_string()->get());
	case toml::node_type::integer:
		return json_integer(node.as_integer()->get());
	case toml::node_type::floating_point:
		return real_of(node.as_floating_point()->get());
	case toml::node_type::boolean:
		return json_boolean(node.as_boolean()->get());
	case toml::node_type::date:
		return written(node.as_date()->get());
	case toml::node_type::time:
		return written(node.as_time()->get());
	case toml::node_type::date_time:
		return written(node.as_date_time()->get());
	default:
		return json_null();
	}
}

json_t *toml_file_read(const char *path, struct err *err)
{
	errno = 0;
	std::ifstream file(path, std::ios::binary);
	std::string text;
	char piece[4096];
	do {
		file.read(piece, sizeof piece);
		text.append(piece, static_cast<size_t>(file.gcount()));
	} while (file);
	/* A folder opens, and can't be read. */
	if (!file.eof() || file.bad()) {
		err_set(err, "%s: can't be read: %s", path,
			errno ? std::strerror(errno) : "reading failed");
		return nullptr;
	}
	const toml::parse_result parsed = toml::parse(text, std::string_view(path));
	if (!parsed) {
		const toml::parse_error &error = parsed.error();
		const std::string what(error.description());
		err_set(err, "%s:%u: isn't TOML: %s", path,
			static_cast<unsigned>(error.source().begin.line), what.c_str());
		return nullptr;
	}
	return table_of(parsed.table());
}

#include "units.h"

#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct units_text size_text(enum units_kind kind, double bytes, const char *sign)
{
	static const char *const iec[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	static const char *const si[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	const double step = kind == UNITS_SI ? 1000 : 1024;
	size_t unit = 0;
	/*
	 * 9,999 B reads better than 9.8 KiB; further up two digits and one decimal are enough.
	 */
	while (unit < 6 && bytes >= (unit ? step : 10 * step)) {
		bytes /= step;
		unit++;
	}
	struct units_text result;
	const char *name = kind == UNITS_SI ? si[unit] : iec[unit];
	/* 99.95 would come out as "100.0". */
	const int decimals = unit && bytes < 99.95;
	snprintf(result.text, sizeof result.text, "%s%.*f %s", sign, decimals, bytes, name);
	return result;
}

/* What -INT64_MIN would overflow. */
static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static struct units_text count_text(uint64_t count, const char *sign)
{
	char digits[24];
	int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
	struct units_text result;
	size_t at = (size_t)snprintf(result.text, sizeof result.text, "%s", sign);
	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			result.text[at++] = ',';
		result.text[at++] = digits[i];
	}
	result.text[at] = '\0';
	return result;
}

struct units_text units_size(enum units_kind kind, uint64_t bytes)
{
	return size_text(kind, (double)bytes, "");
}

struct units_text units_size_diff(enum units_kind kind, int64_t bytes)
{
	return size_text(kind, (double)magnitude(bytes), bytes < 0 ? "-" : "+");
}

struct units_text units_count(uint64_t count)
{
	return count_text(count, "");
}

struct units_text units_count_diff(int64_t count)
{
	return count_text(magnitude(count), count < 0 ? "-" : "+");
}

struct units_text units_seconds(double seconds)
{
	struct units_text result;
	char *text = result.text;
	const size_t size = sizeof result.text;
	const unsigned long long whole = (unsigned long long)(seconds < 0 ? 0 : seconds + 0.5);
	if (seconds < 9.995)
		snprintf(text, size, "%.*f s", seconds < 0.0995 ? 3 : 2, seconds);
	else if (seconds < 119.95)
		snprintf(text, size, "%.1f s", seconds);
	else if (whole < 7200)
		snprintf(text, size, "%llu min %llu s", whole / 60, whole % 60);
	else
		snprintf(text, size, "%llu h %llu min", whole / 3600, whole / 60 % 60);
	return result;
}

/* strtod alone would take "inf", "0x1p3", "1e9" and leading space. */
static int parse_number(const char *text, double *ret_value, const char **ret_end)
{
	const size_t whole = strspn(text, "0123456789");
	const size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	const size_t len = part ? whole + 1 + part : whole;
	char digits[64];
	if (!whole || len >= sizeof digits)
		return -1;
	memcpy(digits, text, len);
	digits[len] = '\0';
	*ret_value = strtod(digits, NULL);
	*ret_end = text + len;
	return 0;
}

int units_parse_seconds(const char *text, double *ret_seconds)
{
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}};

	const char *end;
	double value;
	if (parse_number(text, &value, &end))
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(end, units[i].name) == 0) {
			*ret_seconds = value * units[i].seconds;
			return 0;
		}
	}
	return -1;
}

int units_parse_size(const char *text, double *ret_bytes)
{
	static const struct {
		const char *name;
		double bytes;
	} units[] = {{"", 1},     {"B", 1},         {"KB", 1e3},      {"MB", 1e6},
		     {"GB", 1e9}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}};
	const char *end;
	double value;
	if (parse_number(text, &value, &end))
		return -1;
	end += *end == ' ';
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcasecmp(end, units[i].name) == 0) {
			*ret_bytes = value * units[i].bytes;
			return 0;
		}
	}
	return -1;
}

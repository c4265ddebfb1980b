#include "gate_baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "gate_baseline_keys.h"

/* Where a value stands, for the sentence that says what is wrong with it. */
struct place {
	const char *path;
	const char *part, *site; /* site: NULL outside of sites */
};

static void release_document(json_t **document)
{
	json_decref(*document);
}

static int refuse(const struct place *place, const char *key, const char *wanted,
		  struct err *err)
{
	if (place->site)
		return err_set(err, "%s: \"%s\" of the site \"%s\" isn't %s", place->path, key,
			       place->site, wanted);
	return err_set(err, "%s: \"%s\" in \"%s\" isn't %s", place->path, key, place->part,
		       wanted);
}

static int read_number(const json_t *from, const struct place *place, const char *key,
		       double least, double *ret_number, struct err *err)
{
	const json_t *value = json_object_get(from, key);
	if (!json_is_number(value) || !(json_number_value(value) >= least) ||
	    json_number_value(value) > GATE_BASELINE_MOST_FIGURE)
		return refuse(place, key,
			      least < 0 ? "there as a number" : "there as a number from 0 on",
			      err);
	*ret_number = json_number_value(value);
	return 0;
}

static int read_whole(const json_t *from, const struct place *place, const char *key,
		      double most, uint64_t *ret_number, struct err *err)
{
	double number;
	if (read_number(from, place, key, 0, &number, err))
		return -1;
	if (number != floor(number) || number > most)
		return refuse(place, key, "a whole number of that kind", err);
	*ret_number = (uint64_t)number;
	return 0;
}

/* A text or null; what isn't there isn't known. */
static int read_text(const json_t *from, const struct place *place, const char *key,
		     char **ret_text, struct err *err)
{
	const json_t *value = json_object_get(from, key);
	if (value && !json_is_null(value) && !json_is_string(value))
		return refuse(place, key, "a text", err);
	if (json_is_string(value))
		*ret_text = mem_text(json_string_value(value));
	return 0;
}

static int read_measure(const json_t *from, const struct place *place, double least,
			struct gate_measure *ret_measure, struct err *err)
{
	struct gate_measure measure = {0};
	uint64_t runs;
	if (read_number(from, place, "median", least, &measure.median, err) ||
	    read_number(from, place, "mad", 0, &measure.mad, err) ||
	    read_whole(from, place, "n", GATE_BASELINE_MOST_RUNS, &runs, err))
		return -1;
	if (runs == 0)
		return refuse(place, "n", "1 or more", err);
	measure.runs = (unsigned)runs;
	*ret_measure = measure;
	return 0;
}

static int read_environment(const json_t *from, const char *path,
			    struct gate_environment *environment, struct err *err)
{
	const struct place place = {.path = path, .part = "environment"};
	const struct {
		const char *key;
		char **text;
	} texts[] = {
		{"abi", &environment->abi},       {"allocator", &environment->allocator},
		{"arch", &environment->arch},     {"hash_seed", &environment->hash_seed},
		{"libc", &environment->libc},     {"mode", &environment->mode},
		{"python", &environment->python},
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (read_text(from, &place, texts[i].key, texts[i].text, err))
			return -1;
	if (read_whole(from, &place, "arena_bytes", 0x1p53, &environment->arena_bytes, err))
		return -1;
	return read_whole(from, &place, "sample_bytes", 0x1p53, &environment->sample_bytes,
			  err);
}

static int read_metrics(const json_t *from, const char *path, struct gate_measure *metrics,
			struct err *err)
{
	for (int i = 0; i < GATE_METRIC_COUNT; i++) {
		const char *key = gate_metrics[i].key;
		const struct place place = {.path = path, .part = key};
		/* What a program has at each iteration may have become less. */
		const double least = i == GATE_GROWTH_PER_ITERATION ? -GATE_BASELINE_MOST_FIGURE
								    : 0;
		const json_t *metric = json_object_get(from, key);
		if (metric && read_measure(metric, &place, least, &metrics[i], err))
			return -1;
	}
	return 0;
}

static int read_left_out(const json_t *from, const char *path, struct gate_baseline *baseline,
			 struct err *err)
{
	const struct place place = {.path = path, .part = "left_out"};
	if (read_number(from, &place, "bytes", 0, &baseline->left_out_bytes, err) ||
	    read_number(from, &place, "largest_bytes", 0, &baseline->left_out_largest, err))
		return -1;
	return read_whole(from, &place, "sites", 0x1p53, &baseline->left_out_sites, err);
}

static int by_key(const void *a, const void *b)
{
	const struct gate_baseline_site *one = a, *other = b;
	return strcmp(one->key, other->key);
}

static int read_site(const json_t *from, const struct place *place,
		     struct gate_baseline_site *site, struct err *err)
{
	if (read_measure(json_object_get(from, "live_bytes"), place, 0, &site->live_bytes, err))
		return -1;
	return read_measure(json_object_get(from, "live_blocks"), place, 0, &site->live_blocks,
			    err);
}

static int read_sites(json_t *from, const char *path, struct gate_baseline *baseline,
		      struct err *err)
{
	const char *key;
	json_t *value;

	baseline->sites = mem_alloc(json_object_size(from) * sizeof baseline->sites[0]);
	json_object_foreach(from, key, value)
	{
		const struct place place = {.path = path, .part = "sites", .site = key};
		struct gate_baseline_site *site = &baseline->sites[baseline->site_count];
		if (read_site(value, &place, site, err))
			return -1;
		site->key = mem_text(key);
		baseline->site_count++;
	}
	/* Somebody may have merged two by hand. */
	if (baseline->site_count)
		qsort(baseline->sites, baseline->site_count, sizeof baseline->sites[0], by_key);
	return 0;
}

static int check_schema(const json_t *document, const char *path, struct err *err)
{
	const char *schema = json_string_value(json_object_get(document, "schema"));
	if (!schema || strncmp(schema, GATE_BASELINE_FAMILY, strlen(GATE_BASELINE_FAMILY)) != 0)
		return err_set(err, "%s: isn't a baseline: it has no \"schema\": \"%s\"", path,
			       GATE_BASELINE_SCHEMA);
	if (strcmp(schema, GATE_BASELINE_SCHEMA) != 0)
		return err_set(
			err,
			"%s: is of the schema \"%s\", and this memtrace knows \"%s\": use "
			"the memtrace that wrote it, or write it anew with "
			"--update-baseline",
			path, schema, GATE_BASELINE_SCHEMA);
	return 0;
}

static int read_parts(const json_t *document, const char *path, struct gate_baseline *baseline,
		      struct err *err)
{
	static const char *const parts[] = {"environment", "left_out", "metrics", "sites"};
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (!json_is_object(json_object_get(document, parts[i])))
			return err_set(err, "%s: \"%s\" isn't there as an object", path,
				       parts[i]);
	if (read_environment(json_object_get(document, "environment"), path,
			     &baseline->environment, err) ||
	    read_left_out(json_object_get(document, "left_out"), path, baseline, err) ||
	    read_metrics(json_object_get(document, "metrics"), path, baseline->metrics, err))
		return -1;
	return read_sites(json_object_get(document, "sites"), path, baseline, err);
}

static int parse(const void *bytes, size_t len, const char *path,
		 struct gate_baseline *ret_baseline, struct err *err)
{
	struct gate_baseline baseline = {0};
	json_error_t at;
	/* As reals, for an integer that is too large is just a figure that is too large. */
	__attribute__((cleanup(release_document))) json_t *document =
		json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &at);
	if (!document)
		return err_set(err, "%s:%d:%d: isn't JSON: %s", path, at.line, at.column,
			       at.text);
	if (check_schema(document, path, err) || read_parts(document, path, &baseline, err)) {
		gate_baseline_release(&baseline);
		return -1;
	}
	*ret_baseline = baseline;
	return 0;
}

/* A sentence quotes the file, and a terminal obeys what may stand in one. */
static void make_printable(struct err *err)
{
	for (char *at = err ? err->text : NULL; at && *at; at++)
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			*at = '?';
}

int gate_baseline_parse(const void *bytes, size_t len, const char *path,
			struct gate_baseline *ret_baseline, struct err *err)
{
	if (parse(bytes, len, path, ret_baseline, err) == 0)
		return 0;
	make_printable(err);
	return -1;
}

static int read_bytes(int fd, const char *path, struct buf *bytes, struct err *err)
{
	uint8_t piece[1 << 14];
	for (;;) {
		const ssize_t got = read(fd, piece, sizeof piece);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, "%s: can't be read behind byte %zu: %s", path,
				       bytes->len, strerror(errno));
		if (got == 0)
			return 0;
		buf_append(bytes, piece, (size_t)got);
		if (bytes->len > GATE_BASELINE_MOST_BYTES)
			return err_set(err, "%s: is no baseline: it has more than %d bytes",
				       path, GATE_BASELINE_MOST_BYTES);
	}
}

int gate_baseline_read(const char *path, struct gate_baseline *ret_baseline, struct err *err)
{
	__attribute__((cleanup(buf_release))) struct buf bytes = {0};
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	int failed;

	if (fd < 0 && errno == ENOENT)
		return err_set(err,
			       "%s: there is no such baseline: write it with "
			       "--update-baseline",
			       path);
	if (fd < 0)
		return err_set(err, "%s: can't be opened: %s", path, strerror(errno));
	failed = read_bytes(fd, path, &bytes, err);
	close(fd);
	if (failed)
		return -1;
	return gate_baseline_parse(bytes.data ? bytes.data : (const uint8_t *)"", bytes.len,
				   path, ret_baseline, err);
}

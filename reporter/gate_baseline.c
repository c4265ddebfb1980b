#include "gate_baseline.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../collector/buf.h"
#include "../collector/mem.h"
#include "gate_baseline_keys.h"
#include "json.h"

static char *copy_of(const char *text)
{
	return text ? mem_text(text) : NULL;
}

static struct gate_environment copy_environment(const struct gate_environment *from)
{
	return (struct gate_environment){
		.python = copy_of(from->python),
		.abi = copy_of(from->abi),
		.arch = copy_of(from->arch),
		.libc = copy_of(from->libc),
		.allocator = copy_of(from->allocator),
		.mode = copy_of(from->mode),
		.hash_seed = copy_of(from->hash_seed),
		.arena_bytes = from->arena_bytes,
		.sample_bytes = from->sample_bytes,
	};
}

/* Thousandths survive being written and read, and so does what is too large to have any. */
static double kept(double value)
{
	if (isnan(value))
		return 0;
	value = fmin(fmax(value, -GATE_BASELINE_MOST_FIGURE), GATE_BASELINE_MOST_FIGURE);
	return (fabs(value) < 0x1p40 ? round(value * 1000) / 1000 : round(value)) + 0.0;
}

static struct gate_measure kept_measure(const struct gate_measure *from)
{
	return (struct gate_measure){
		.median = kept(from->median),
		.mad = fabs(kept(from->mad)),
		.runs = from->runs < GATE_BASELINE_MOST_RUNS ? from->runs
							     : GATE_BASELINE_MOST_RUNS,
	};
}

/* A site's figures are of what is there: never less than nothing, and of a run at least. */
static struct gate_measure site_measure(const struct gate_measure *from)
{
	struct gate_measure measure = kept_measure(from);
	measure.median = fmax(measure.median, 0);
	if (measure.runs == 0)
		measure.runs = 1;
	return measure;
}

/* As it comes back from a file: what isn't UTF-8 can't be written. */
static char *writable_key(const char *key)
{
	char *copy = mem_text(key);
	for (char *at = copy; *at;) {
		const int len = json_utf8_length(at);
		if (len == 0)
			*at = '?';
		at += len ? len : 1;
	}
	return copy;
}

static int by_key(const void *a, const void *b)
{
	const struct gate_baseline_site *one = a, *other = b;
	return strcmp(one->key, other->key);
}

static int by_bytes(const void *a, const void *b)
{
	const struct gate_baseline_site *one = a, *other = b;
	if (one->live_bytes.median != other->live_bytes.median)
		return one->live_bytes.median < other->live_bytes.median ? 1 : -1;
	return by_key(a, b);
}

static void sort_sites(struct gate_baseline *baseline, int (*order)(const void *, const void *))
{
	if (baseline->site_count)
		qsort(baseline->sites, baseline->site_count, sizeof baseline->sites[0], order);
}

/* Keys that only bytes told apart which can't be written are one site in the file. */
static void unite_same_keys(struct gate_baseline *baseline)
{
	size_t count = 0;
	sort_sites(baseline, by_key);
	for (size_t i = 0; i < baseline->site_count; i++) {
		struct gate_baseline_site *site = &baseline->sites[i];
		struct gate_baseline_site *last = count ? &baseline->sites[count - 1] : NULL;
		if (last && strcmp(last->key, site->key) == 0) {
			last->live_bytes.median += site->live_bytes.median;
			last->live_blocks.median += site->live_blocks.median;
			free(site->key);
		} else {
			baseline->sites[count++] = *site;
		}
	}
	baseline->site_count = count;
}

static void leave_out(struct gate_baseline *baseline, struct gate_baseline_site *site)
{
	baseline->left_out_sites++;
	baseline->left_out_bytes = kept(baseline->left_out_bytes + site->live_bytes.median);
	baseline->left_out_largest = fmax(baseline->left_out_largest, site->live_bytes.median);
	free(site->key);
}

void gate_baseline_trim(struct gate_baseline *baseline)
{
	size_t count = 0;
	sort_sites(baseline, by_bytes);
	for (size_t i = 0; i < baseline->site_count; i++) {
		struct gate_baseline_site *site = &baseline->sites[i];
		if (count < GATE_BASELINE_SITES &&
		    site->live_bytes.median >= GATE_BASELINE_LEAST_BYTES)
			baseline->sites[count++] = *site;
		else
			leave_out(baseline, site);
	}
	baseline->site_count = count;
	sort_sites(baseline, by_key);
}

void gate_baseline_of_all(const struct gate_result *result, struct gate_baseline *ret_baseline)
{
	struct gate_baseline baseline = {
		.environment = copy_environment(&result->environment),
		.sites = mem_alloc(result->site_count * sizeof baseline.sites[0]),
		.site_count = result->site_count,
	};
	for (int i = 0; i < GATE_METRIC_COUNT; i++)
		if (result->metrics[i].runs)
			baseline.metrics[i] = kept_measure(&result->metrics[i]);
	for (size_t i = 0; i < result->site_count; i++) {
		const struct gate_site *site = &result->sites[i];
		baseline.sites[i] = (struct gate_baseline_site){
			.key = writable_key(site->key),
			.live_bytes = site_measure(&site->live_bytes),
			.live_blocks = site_measure(&site->live_blocks),
		};
	}
	unite_same_keys(&baseline);
	*ret_baseline = baseline;
}

void gate_baseline_of(const struct gate_result *result, struct gate_baseline *ret_baseline)
{
	struct gate_baseline baseline;
	gate_baseline_of_all(result, &baseline);
	gate_baseline_trim(&baseline);
	*ret_baseline = baseline;
}

void gate_baseline_release(struct gate_baseline *baseline)
{
	for (size_t i = 0; i < baseline->site_count; i++)
		free(baseline->sites[i].key);
	free(baseline->sites);
	gate_environment_release(&baseline->environment);
	*baseline = (struct gate_baseline){0};
}

const struct gate_baseline_site *gate_baseline_find(const struct gate_baseline *baseline,
						    const char *key)
{
	__attribute__((cleanup(mem_scope))) char *writable = writable_key(key);
	const struct gate_baseline_site wanted = {.key = writable};
	if (baseline->site_count == 0)
		return NULL;
	return bsearch(&wanted, baseline->sites, baseline->site_count, sizeof wanted, by_key);
}

static void write_number(struct json *json, const char *key, double value)
{
	json_double(json, key, value, value == floor(value) ? 0 : 3);
}

/* What ends a part stands on a line of its own, so that its last line can be merged. */
static void close_part(struct json *json)
{
	fprintf(json->out, "\n%*s", json->depth - 1, "");
	json_close(json);
}

static void write_environment(struct json *json, const struct gate_environment *environment)
{
	json_open_object(json, "environment");
	json_text(json, "abi", environment->abi);
	json_text(json, "allocator", environment->allocator);
	json_text(json, "arch", environment->arch);
	json_u64(json, "arena_bytes", environment->arena_bytes);
	json_text(json, "hash_seed", environment->hash_seed);
	json_text(json, "libc", environment->libc);
	json_text(json, "mode", environment->mode);
	json_text(json, "python", environment->python);
	json_u64(json, "sample_bytes", environment->sample_bytes);
	close_part(json);
}

static void write_measure(struct json *json, const char *key,
			  const struct gate_measure *measure)
{
	json_open_object(json, key);
	write_number(json, "mad", measure->mad);
	write_number(json, "median", measure->median);
	json_u64(json, "n", measure->runs);
	json_close(json);
}

static void write_metrics(struct json *json, const struct gate_measure *metrics)
{
	/* By their keys' alphabet. */
	static const enum gate_metric order[] = {
		GATE_ALLOCATED_BYTES,      GATE_ALLOCATIONS, GATE_ARENAS_PEAK,
		GATE_GROWTH_PER_ITERATION, GATE_LIVE_END,    GATE_PEAK_LIVE,
		GATE_PINNED_BYTES,         GATE_RSS_PEAK,
	};
	_Static_assert(sizeof order / sizeof order[0] == GATE_METRIC_COUNT,
		       "a metric forgotten");

	json_open_object(json, "metrics");
	for (int i = 0; i < GATE_METRIC_COUNT; i++)
		if (metrics[order[i]].runs)
			write_measure(json, gate_metrics[order[i]].key, &metrics[order[i]]);
	close_part(json);
}

static void write_left_out(struct json *json, const struct gate_baseline *baseline)
{
	json_open_object(json, "left_out");
	write_number(json, "bytes", baseline->left_out_bytes);
	write_number(json, "largest_bytes", baseline->left_out_largest);
	json_u64(json, "sites", baseline->left_out_sites);
	close_part(json);
}

static void write_sites(struct json *json, const struct gate_baseline *baseline)
{
	json_open_object(json, "sites");
	for (size_t i = 0; i < baseline->site_count; i++) {
		const struct gate_baseline_site *site = &baseline->sites[i];
		json_open_object(json, site->key);
		write_measure(json, "live_blocks", &site->live_blocks);
		write_measure(json, "live_bytes", &site->live_bytes);
		json_close(json);
	}
	close_part(json);
}

static void write_all(FILE *out, const struct gate_baseline *baseline)
{
	struct json json;
	json_init(&json, out, 2);
	json_open_object(&json, NULL);
	write_environment(&json, &baseline->environment);
	write_left_out(&json, baseline);
	write_metrics(&json, baseline->metrics);
	json_text(&json, "schema", GATE_BASELINE_SCHEMA);
	write_sites(&json, baseline);
	close_part(&json);
}

/* A file system without fsync is no reason to fail; one that lost what was written is. */
static bool is_on_disk(int fd)
{
	return fsync(fd) == 0 || (errno != EIO && errno != ENOSPC && errno != EDQUOT);
}

static int write_draft(const struct gate_baseline *baseline, const char *draft, struct err *err)
{
	/* A run that was killed may have left one, and in a container all have one id. */
	unlink(draft);
	const int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		err_set(err, "%s: can't be made: %s", draft, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	write_all(out, baseline);
	int failed = fflush(out) != 0 || ferror(out) || !is_on_disk(fd);
	const int reason = errno;
	failed |= fclose(out) != 0;
	return failed ? err_set(err, "%s: can't be written: %s", draft, strerror(reason)) : 0;
}

int gate_baseline_write(const struct gate_baseline *baseline, const char *path, struct err *err)
{
	__attribute__((cleanup(mem_scope))) char *target = realpath(path, NULL);
	__attribute__((cleanup(buf_release))) struct buf draft = {0};
	struct stat st;

	if (!target)
		target = mem_text(path);
	buf_format(&draft, "%s.%d.tmp", target, (int)getpid());
	int failed = write_draft(baseline, buf_chars(&draft), err);
	/* Who may read the old one may read the new one; where that can't be, no harm is done. */
	if (!failed && stat(target, &st) == 0)
		failed = chmod(buf_chars(&draft), st.st_mode & 0777) < 0 && errno != EPERM
				 ? err_set(err, "%s: can't have its mode: %s",
					   buf_chars(&draft), strerror(errno))
				 : 0;
	if (!failed && rename(buf_chars(&draft), target) < 0)
		failed = err_set(err, "%s: can't be renamed to %s: %s", buf_chars(&draft),
				 target, strerror(errno));
	if (failed)
		unlink(buf_chars(&draft));
	return failed;
}

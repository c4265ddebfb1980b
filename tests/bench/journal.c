/*
 * Costs of the journal: nanoseconds and bytes a record, encoding and decoding, on a synthetic
 * stream: a few hundred stacks in loops, small blocks of neighbouring addresses, half of them
 * freed in the order of their age.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../collector/journal.h"
#include "../../collector/mem.h"
#include "../../collector/profile_write.h"

enum { RECORDS = 8 << 20, BATCH = 1 << 14, STACKS = 300, CLASSES = 8 };

struct stream {
	struct record *records;
	size_t count, room;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct record *make_stream(void)
{
	struct record *records = mem_alloc(RECORDS * sizeof(*records));
	uint64_t state = 1, top[CLASSES] = {0}, freed[CLASSES] = {0};

	for (size_t i = 0; i < RECORDS; i++) {
		uint64_t loop = i / 5000, stack = (loop * 7 + i % 13) % STACKS;
		uint64_t class = stack % CLASSES, bytes = class * 16 + 3 + stack % 13;
		uint64_t base = 0x7f0000000000 + (class << 36);
		uint64_t noise = next_random(&state) % 16;

		if (noise < 7 && freed[class] < top[class]) {
			records[i].head = record_head(R_FREE, base + freed[class]);
			freed[class] += (class + 1) * 16;
			continue;
		}
		records[i].head = record_head(R_SMALL_OBJECT, base + top[class]);
		records[i].body = stack | bytes << 32 | (class + 1) << 48;
		top[class] += (class + 1) * 16 * (noise == 15 ? 5 : 1);
	}
	return records;
}

static void fail(const struct err *err)
{
	fprintf(stderr, "%s\n", err->text);
	exit(1);
}

static void encode(const char *path, const struct stream *stream)
{
	const struct run_identity identity = {.pid = 1};
	struct journal *journal;
	struct err err;
	double start = now(), took;

	if (journal_create(path, 1, 0, &identity, &journal, &err) < 0)
		fail(&err);
	for (size_t at = 0; at < stream->count; at += BATCH) {
		size_t left = stream->count - at;
		const struct journal_batch batch = {.records = stream->records + at,
						    .count = left < BATCH ? left : BATCH};

		if (journal_append(journal, &batch, &err) < 0)
			fail(&err);
	}
	took = now() - start;
	printf("encode %5.2f ns/record, %.3f bytes/record\n", took / (double)stream->count,
	       (double)journal_bytes(journal) / (double)stream->count);
	journal_free(journal);
}

static size_t decode(const char *path, struct stream *ret_stream)
{
	struct journal_reader *reader;
	struct journal_batch batch;
	size_t count = 0;
	struct err err;

	if (journal_open(path, &reader, &err) < 0)
		fail(&err);
	while (journal_next(reader, &batch, &err) > 0) {
		if (ret_stream) {
			struct record *grown = mem_grow(ret_stream->records, &ret_stream->room,
							count + batch.count, sizeof(*grown));

			memcpy(grown + count, batch.records, batch.count * sizeof(*grown));
			ret_stream->records = grown;
		}
		count += batch.count;
	}
	journal_close(reader);
	return count;
}

/* A journal that a run left, or the synthetic stream. */
static struct stream get_stream(const char *path)
{
	struct stream stream = {NULL, 0, 0};

	if (!path)
		return (struct stream){make_stream(), RECORDS, RECORDS};
	stream.count = decode(path, &stream);
	return stream;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/bench_journal.XXXXXX";
	struct stream stream = get_stream(argc > 1 ? argv[1] : NULL);
	double start;

	close(mkstemp(path));
	encode(path, &stream);
	start = now();
	printf("%zu of %zu records decoded, ", decode(path, NULL), stream.count);
	printf("%5.2f ns/record\n", (now() - start) / (double)stream.count);
	unlink(path);
	mem_scope(&stream.records);
	return 0;
}

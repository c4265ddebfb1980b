/*
 * record_fields.h - one record of a stream, as fields.
 *
 * Records may come straight out of a ring: nothing about them is believed. Texts are put
 * together as their fragments pass by, and are told with the last of them.
 */
#ifndef MEMTRACE_RECORD_FIELDS_H
#define MEMTRACE_RECORD_FIELDS_H

#include "../collector/stream_read.h"
#include "fields.h"

struct record_texts {
	struct stream_text texts[4]; /* code, thread, info, mark */
};

void record_texts_init(struct record_texts *texts);
void record_texts_release(struct record_texts *texts);

/*
 * The record at `r` of `slots` records, and its position in the stream. What isn't a whole
 * group is told as two numbers.
 */
void record_fields(struct record_texts *texts, const struct record *r, size_t slots,
		   uint64_t position, struct fields *fields);

/* What the collector saw of the resident set: in records and profiles the same fields. */
void record_resident_fields(const struct stream_resident *resident, struct fields *fields);
void record_mapped_fields(const struct stream_mapped *mapped, struct fields *fields);

#endif

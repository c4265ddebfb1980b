#include "state_writer.h"

#include "columns.h"

/* Records are handed on in batches of about so many; a group has 513 at most. */
enum { BATCH_RECORDS = COLUMNS_MAX_RECORDS - STREAM_MAX_DATA_SLOTS - 1 };

void state_writer_release(struct state_writer *writer)
{
	buf_release(&writer->part);
	buf_release(&writer->records);
}

void state_hand_on(struct state_writer *writer)
{
	struct record *r = (struct record *)(void *)writer->records.data;
	size_t left = writer->records.len / sizeof(*r);

	while (left && !writer->failed) {
		size_t batch = 0;

		while (batch < left && batch < BATCH_RECORDS)
			batch += stream_record_slots(&r[batch]);
		writer->failed = writer->sink->take(writer->sink->user, r, batch, writer->err);
		r += batch;
		left -= batch;
	}
	writer->records.len = 0;
}

void state_hand_on_many(struct state_writer *writer)
{
	if (writer->records.len / sizeof(struct record) >= BATCH_RECORDS)
		state_hand_on(writer);
}

void state_text(struct state_writer *writer, enum record_kind kind, uint32_t id)
{
	if (writer->part.len > STREAM_MAX_TEXT_BYTES && !writer->failed)
		writer->failed = err_set(writer->err, "%zu bytes are too many for one part",
					 writer->part.len);
	if (!writer->failed)
		stream_put_text(&writer->records, kind, id, writer->part.data,
				writer->part.len);
	writer->part.len = 0;
	state_hand_on_many(writer);
}

void state_part(struct state_writer *writer, enum state_part part)
{
	state_text(writer, R_STATE, part);
}

void state_number(struct state_writer *writer, uint64_t value)
{
	buf_varint(&writer->part, value);
}

void state_difference(struct state_writer *writer, int64_t value)
{
	state_number(writer, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void state_numbers(struct state_writer *writer, const uint64_t *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		state_number(writer, values[i]);
}

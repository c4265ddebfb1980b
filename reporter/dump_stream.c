/* Journals and rings: the stream, kept and live. */
#include "dump.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../collector/journal.h"
#include "../collector/mem.h"
#include "record_fields.h"
#include "ring_peek.h"

static void dump_facts(const struct journal_header *facts, struct fields *fields)
{
	fields_begin(fields, "JOURNAL");
	fields_u64(fields, "segment", facts->segment);
	fields_u64(fields, "pid", facts->pid);
	fields_u64(fields, "run_id", facts->run_id);
	fields_u64(fields, "process_start", facts->process_start);
	fields_u64(fields, "start_real_ns", facts->start_real_ns);
	fields_u64(fields, "first_sequence", facts->first_sequence);
	fields_end(fields);
}

static void dump_batch(const struct journal_batch *batch, struct record_texts *texts,
		       uint64_t *position, struct fields *fields)
{
	fields_begin(fields, "FRAME");
	fields_u64(fields, "sequence", batch->sequence);
	fields_u64(fields, "offset", batch->offset);
	fields_u64(fields, "records", batch->count);
	fields_u64(fields, "ring_before", batch->ring_before);
	fields_u64(fields, "ring_after", batch->ring_after);
	fields_u64(fields, "bad_records", batch->bad_records);
	fields_end(fields);
	for (size_t i = 0; i < batch->count;) {
		size_t slots = stream_record_slots(&batch->records[i]);
		/* A frame should hold whole groups; what isn't one is told as two numbers. */
		if (!slots || slots > batch->count - i)
			slots = 1;
		record_fields(texts, &batch->records[i], slots, *position + i, fields);
		i += slots;
	}
	*position += batch->count;
}

int dump_journal(const char *path, struct fields *fields, struct err *err)
{
	struct journal_reader *reader;
	struct journal_batch batch;
	struct record_texts texts;
	uint64_t position = 0;
	int more;
	if (journal_open(path, &reader, err))
		return -1;
	record_texts_init(&texts);
	dump_facts(journal_facts(reader), fields);
	while ((more = journal_next(reader, &batch, err)) > 0)
		dump_batch(&batch, &texts, &position, fields);
	record_texts_release(&texts);
	journal_close(reader);
	return more;
}

/* A ring file in memory; its sizes have been checked against the length of the file. */
struct ring_copy {
	uint8_t *bytes;
	size_t len;
	struct ring_peek peek;
};

static int read_ring(const char *path, struct ring_copy *ret_ring, struct err *err)
{
	struct ring_copy ring;
	if (ring_peek_file(path, &ring.peek, err))
		return -1;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_set(err, "%s: %s", path, strerror(errno));
	ring.len = ring.peek.slots_offset + ring.peek.capacity * STREAM_RECORD_BYTES;
	ring.bytes = mem_alloc(ring.len);
	size_t done = 0;
	while (done < ring.len) {
		const ssize_t n = pread(fd, ring.bytes + done, ring.len - done, (off_t)done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (done < RING_HEADER_BYTES) {
		mem_scope(&ring.bytes);
		return err_set(err, "%s: ends at offset %zu, in its header", path, done);
	}
	/* It may have changed since the first look: the copy is what counts from here on. */
	if (ring_peek_header(path, ring.bytes, ring.len, &ring.peek, err)) {
		mem_scope(&ring.bytes);
		return -1;
	}
	*ret_ring = ring;
	return 0;
}

static void dump_header(const struct ring_copy *ring, struct fields *fields)
{
	const struct ring_peek *peek = &ring->peek;
	fields_begin(fields, "RING");
	fields_u64(fields, "pid", peek->pid);
	fields_u64(fields, "process_start", peek->process_start);
	fields_u64(fields, "start_real_ns", peek->start_real_ns);
	fields_u64(fields, "capacity", peek->capacity);
	fields_u64(fields, "head", peek->head);
	fields_u64(fields, "tail", peek->tail);
	fields_u64(fields, "heartbeat", peek->heartbeat);
	fields_u64(fields, "program_state", peek->program_state);
	fields_u64(fields, "collector_state", peek->collector_state);
	fields_u64(fields, "collector_pid", peek->collector_pid);
	fields_end(fields);
}

/* How many slots from `position` on, at most `count`, carry the lap of their position. */
static size_t copy_slots(const struct ring_copy *ring, uint64_t position, size_t count,
			 struct record *out)
{
	const uint64_t capacity = ring->peek.capacity;
	const uint8_t *slots = ring->bytes + ring->peek.slots_offset;
	for (size_t i = 0; i < count; i++) {
		const uint64_t at = (position + i) % capacity;
		memcpy(&out[i], slots + at * STREAM_RECORD_BYTES, sizeof out[i]);
		if (out[i].head >> 54 != record_lap(position + i, capacity))
			return i;
		/* As in journals: laps say nothing any more. */
		out[i].head &= (1ULL << 54) - 1;
	}
	return count;
}

static size_t dump_slot(const struct ring_copy *ring, uint64_t position, uint64_t end,
			struct record_texts *texts, struct fields *fields)
{
	struct record group[1 + STREAM_MAX_DATA_SLOTS];
	if (copy_slots(ring, position, 1, group)) {
		size_t slots = stream_record_slots(group);
		slots = slots ? slots : 1;
		if (slots <= end - position &&
		    copy_slots(ring, position, slots, group) == slots) {
			record_fields(texts, group, slots, position, fields);
			return slots;
		}
	}
	fields_begin(fields, "HOLE");
	fields_u64(fields, "position", position);
	fields_end(fields);
	return 1;
}

static void dump_slots(const struct ring_copy *ring, struct fields *fields)
{
	const struct ring_peek *peek = &ring->peek;
	struct record_texts texts;
	uint64_t position = peek->tail;
	/* What was read already is overwritten; a head that runs ahead of the ring waits. */
	const uint64_t most = peek->tail + peek->capacity;
	const uint64_t end = peek->head < most ? peek->head : most;
	record_texts_init(&texts);
	while (position < end)
		position += dump_slot(ring, position, end, &texts, fields);
	record_texts_release(&texts);
}

static bool fits(const struct ring_copy *ring, uint32_t offset, uint32_t slots,
		 size_t slot_bytes)
{
	return offset >= RING_HEADER_BYTES && slots <= RING_MAX_SIDE_SLOTS &&
	       offset <= ring->peek.slots_offset &&
	       slots * slot_bytes <= ring->peek.slots_offset - offset;
}

static void dump_waiting(const struct ring_copy *ring, struct fields *fields)
{
	if (!fits(ring, ring->peek.cancel_offset, ring->peek.cancel_slots,
		  sizeof(struct cancel_slot)))
		return;
	for (uint32_t i = 0; i < ring->peek.cancel_slots; i++) {
		struct cancel_slot slot;
		memcpy(&slot, ring->bytes + ring->peek.cancel_offset + i * sizeof slot,
		       sizeof slot);
		if (!slot.record.head)
			continue;
		fields_begin(fields, "WAITING");
		fields_u64(fields, "slot", i);
		fields_u64(fields, "kind", record_kind(&slot.record));
		fields_address(fields, "address", record_a(&slot.record));
		fields_u64(fields, "stack", record_low(&slot.record));
		fields_u64(fields, "bytes", record_high(&slot.record) & 0xffff);
		fields_end(fields);
	}
}

static void dump_cancelled(const struct ring_copy *ring, struct fields *fields)
{
	if (!fits(ring, ring->peek.temp_offset, ring->peek.temp_slots,
		  sizeof(struct temp_slot)))
		return;
	for (uint32_t i = 0; i < ring->peek.temp_slots; i++) {
		struct temp_slot slot;
		memcpy(&slot, ring->bytes + ring->peek.temp_offset + i * sizeof slot,
		       sizeof slot);
		if (!slot.pairs)
			continue;
		fields_begin(fields, "CANCELLED");
		fields_u64(fields, "stack", slot.stack);
		fields_u64(fields, "pairs", slot.pairs);
		fields_u64(fields, "bytes", slot.bytes);
		if (slot.freer || slot.flags) {
			fields_u64(fields, "by", slot.freer);
			fields_u64(fields, "flags", slot.flags);
		}
		fields_end(fields);
	}
}

int dump_ring(const char *path, struct fields *fields, struct err *err)
{
	struct ring_copy ring;
	if (read_ring(path, &ring, err))
		return -1;
	dump_header(&ring, fields);
	dump_slots(&ring, fields);
	dump_waiting(&ring, fields);
	dump_cancelled(&ring, fields);
	mem_scope(&ring.bytes);
	return 0;
}

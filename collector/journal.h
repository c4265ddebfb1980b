/*
 * journal.h - the write-ahead log of a run: its batches of records, in files OUT.journal.1,
 * .2, ...
 *
 * Layout of a segment, all numbers little-endian:
 *
 *	0                              struct journal_header
 *	header.header_bytes, and on    struct journal_frame, then frame.stored_bytes of content
 *
 * A frame's content is a zstd frame with content checksum; in it, frame.raw_bytes long, lie the
 * records of one batch (checked, whole groups, laps 0) as columns (columns.h). Each frame is
 * understood without the others. Sequence numbers grow by one from frame to frame, across
 * segments.
 *
 * A forked process's journal begins with its parent's segments (hard links); from the fork on
 * headers carry its own run_id. The parent goes on in the last one that they share: there this
 * run's frames end before the one whose sequence is the next segment's first_sequence.
 *
 * A checkpoint (header.covers is not 0) has the name of segment 1 and stands for the segments 1
 * to header.covers: its records make the heap that theirs made (R_STATE, heap_state.h). The
 * segment after it is header.covers + 1, whose first frame has frame.next_sequence of the
 * checkpoint's.
 *
 * A batch is written before it is applied, with one write; so at any instant everything is in
 * the journal or still in the ring, behind `ring_after` of the last whole frame.
 *
 * Trust: a reader believes nothing that a checksum or a limit doesn't cover. What a killed
 * writer leaves, a frame cut short, ends the segment.
 */
#ifndef MEMTRACE_JOURNAL_H
#define MEMTRACE_JOURNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../preload/stream.h"
#include "err.h"

#define JOURNAL_MAGIC "MEMTJNL1"
#define JOURNAL_FRAME_MAGIC "MFRM"

enum { JOURNAL_VERSION = 1 };

struct journal_header {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes;
	uint32_t segment; /* 1, 2, ...: the N of its name */
	uint32_t pid, uid;
	uint32_t covers; /* a checkpoint: the last of the segments it stands for; else 0 */
	uint64_t run_id, process_start, start_real_ns, slack_bytes;
	uint64_t first_sequence;
	uint64_t parent_run_id; /* of a forked process: whose segments stand before; 0: none */
	uint64_t checksum;      /* FNV-1a 64 of the bytes before it */
};
_Static_assert(sizeof(struct journal_header) == 88, "layout");

struct journal_frame {
	char magic[4];
	uint32_t records;
	uint64_t sequence;
	uint64_t ring_before, ring_after; /* positions that the batch came from */
	uint64_t bad_records;             /* so far in the run; they are R_NONE here */
	uint32_t raw_bytes, stored_bytes;
	uint64_t next_sequence; /* a checkpoint's: of the first frame behind it; else 0 */
	uint64_t checksum;      /* FNV-1a 64 of the bytes before it */
};
_Static_assert(sizeof(struct journal_frame) == 64, "layout");

struct journal_batch {
	struct record *records;
	size_t count;
	uint64_t ring_before, ring_after;
	uint64_t bad_records;
	uint64_t sequence;      /* of its frame; journal_append ignores it, as the next two */
	uint64_t next_sequence; /* a checkpoint's: of the first frame behind it */
	uint64_t offset;
};

struct run_identity;
struct journal;
struct journal_reader;

/* A file of that name is replaced: it belongs to a run that is gone. */
int journal_create(const char *path, uint32_t segment, uint64_t first_sequence,
		   const struct run_identity *identity, struct journal **ret_journal,
		   struct err *err);
/* The same of a checkpoint for the segments up to `covers`. */
int journal_create_checkpoint(const char *path, uint32_t covers, uint64_t next_sequence,
			      const struct run_identity *identity, struct journal **ret_journal,
			      struct err *err);
void journal_free(struct journal *journal);
/* -1: nothing of this batch is in the file any more, which ends with the batch before. */
int journal_append(struct journal *journal, const struct journal_batch *batch, struct err *err);
/* Returns when all of it is on the disk. */
int journal_sync(struct journal *journal, struct err *err);
uint64_t journal_bytes(const struct journal *journal);
/* Of the next frame. */
uint64_t journal_sequence(const struct journal *journal);

int journal_open(const char *path, struct journal_reader **ret_reader, struct err *err);
void journal_close(struct journal_reader *reader);
const struct journal_header *journal_facts(const struct journal_reader *reader);
/* Whose the file is. */
uid_t journal_owner(const struct journal_reader *reader);
/*
 * 1: a batch; its records are the reader's and may be changed until the next call. 0: the end.
 * -1: what follows is cut short or damaged, `err` says at which offset; so does each further
 * call.
 */
int journal_next(struct journal_reader *reader, struct journal_batch *ret_batch,
		 struct err *err);

#endif

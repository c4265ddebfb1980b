/*
 * profile_write.h - a heap becomes a profile.
 *
 * Written to PATH.tmp, synced, renamed onto PATH (0600, O_NOFOLLOW). The bytes depend on heap,
 * identity and result alone.
 */
#ifndef MEMTRACE_PROFILE_WRITE_H
#define MEMTRACE_PROFILE_WRITE_H

#include "err.h"
#include "heap.h"
#include "profile.h"
#include "snapshot.h"

/* What a run is and what the stream doesn't carry. */
struct run_identity {
	uint64_t run_id, process_start, start_real_ns;
	uint32_t pid, uid;
	uint64_t parent_run_id; /* of a forked process; otherwise 0 */
	uint64_t slack_bytes;   /* waiting in the cancelling table: at most so many bytes */
};

struct run_result {
	uint64_t bad_records;
	uint64_t crash_safe_until_ms; /* UINT64_MAX: all along */
	uint32_t flags;               /* enum profile_run_flags, but for PROFILE_AT_END */
	const struct snapshot *end;   /* what was live at `end`; NULL: the heap as it is */
};

int profile_write(const char *path, const struct heap *heap,
		  const struct run_identity *identity, const struct run_result *result,
		  struct err *err);

#endif

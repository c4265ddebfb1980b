/*
 * profile_write_map.h - the sections of a profile that tell of arenas over time, from the heap.
 *
 * What is live at the end is the snapshot's (snapshot.h).
 */
#ifndef MEMTRACE_PROFILE_WRITE_MAP_H
#define MEMTRACE_PROFILE_WRITE_MAP_H

#include "heap.h"
#include "section_write.h"

/* AMRK, HOLD and MCLS: of all marks and the peak. */
void profile_put_summaries(const struct heap *heap, struct section_write *arenas,
			   struct section_write *holders, struct section_write *classes);
/* AUDT and AUDD. */
void profile_put_audits(const struct heap *heap, struct section_write *audits,
			struct section_write *differences);

#endif

/*
 * dump.h - every record of a file, through struct fields.
 *
 * A line begins with the section: the profile's own tags (NODE, SITE, MARK, ..., RUN, and BLK
 * for the columns of live blocks); JOURNAL, FRAME and RECORD of journals; RING, RECORD, HOLE,
 * WAITING and CANCELLED of rings. Scripts and tests rely on these and on the keys.
 */
#ifndef MEMTRACE_DUMP_H
#define MEMTRACE_DUMP_H

#include "../collector/profile_read.h"
#include "fields.h"

int dump_profile(struct profile *profile, struct fields *fields, struct err *err);
/* A part of it: arenas and who holds them, audits, mappings, blocks. */
void dump_profile_map(const struct profile *profile, struct fields *fields);
/* -1 after what could be read: the rest is damaged or cut short. */
int dump_journal(const char *path, struct fields *fields, struct err *err);
int dump_ring(const char *path, struct fields *fields, struct err *err);

#endif

/*
 * dump.h - every record of a file, through struct fields.
 *
 * Names that others may rely on are in man/memtrace.1: NODE, SITE, MARK, BLK, ... as the
 * sections of the profile are called, FRAME and RECORD in journals, RING, RECORD, WAITING and
 * CANCELLED in rings.
 */
#ifndef MEMTRACE_DUMP_H
#define MEMTRACE_DUMP_H

#include "../collector/profile_read.h"
#include "fields.h"

int dump_profile(struct profile *profile, struct fields *fields, struct err *err);
/* -1 after what could be read: the rest is damaged or cut short. */
int dump_journal(const char *path, struct fields *fields, struct err *err);
int dump_ring(const char *path, struct fields *fields, struct err *err);

#endif

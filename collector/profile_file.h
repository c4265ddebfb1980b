/*
 * profile_file.h - a profile on its way to the disk, under another name until it is whole.
 *
 * Sections are written one after the other behind the room for header and table; those come
 * last, so that a file without them is never taken for a profile. PATH.tmp is removed by
 * profile_file_release unless profile_file_commit went through.
 */
#ifndef MEMTRACE_PROFILE_FILE_H
#define MEMTRACE_PROFILE_FILE_H

#include "profile.h"
#include "section_write.h"

struct profile_file {
	const char *path; /* the caller's */
	char *tmp_path;
	int fd;
	uint64_t end;
	struct profile_section table[PROFILE_MAX_SECTIONS];
	uint32_t section_count, section_room;
};

/*
 * Room for `sections` sections. What an earlier writer left at PATH.tmp is removed, if it is
 * ours.
 */
int profile_file_create(struct profile_file *file, const char *path, uint32_t sections,
			struct err *err);
void profile_file_release(struct profile_file *file);
/* Finishes the section and writes it out. */
int profile_file_add(struct profile_file *file, struct section_write *section, struct err *err);
/* The same for one that is finished. */
int profile_file_put(struct profile_file *file, const struct section_write *section,
		     struct err *err);
/* Header and table, fsync, rename. */
int profile_file_commit(struct profile_file *file, struct err *err);

#endif

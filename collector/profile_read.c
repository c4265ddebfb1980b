#include "profile_read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "profile_check.h"

/* Where the items of a section go: an array in struct profile and its count. */
struct shape {
	char tag[5];
	bool came_later; /* a file without it is an older one, not a damaged one */
	uint32_t item_bytes;
	size_t items, count;
};

/* clang-format off */
#define PLACES(type, items, count) \
	sizeof(type), offsetof(struct profile, items), offsetof(struct profile, count)
#define SHAPE(tag, type, items, count) { tag, false, PLACES(type, items, count) }
#define LATER(tag, type, items, count) { tag, true, PLACES(type, items, count) }
/* clang-format on */

static const struct shape shapes[] = {
	SHAPE("INFO", char, info, info_bytes),
	SHAPE("STRS", char, strings, strings_bytes),
	SHAPE("LTAB", uint8_t, linetables, linetables_bytes),
	SHAPE("CODE", struct profile_code, codes, code_count),
	SHAPE("NODE", struct profile_node, nodes, node_count),
	SHAPE("THRD", struct profile_thread, threads, thread_count),
	SHAPE("SITE", struct profile_site, sites, site_count),
	SHAPE("MARK", struct profile_mark, marks, mark_count),
	SHAPE("CHNG", struct profile_change, changes, change_count),
	SHAPE("WIND", struct profile_window, windows, window_count),
	SHAPE("ARNA", struct profile_arena, arenas, arena_count),
	SHAPE("POOL", struct profile_pool, pools, pool_count),
	SHAPE("MAPS", struct profile_mapping, mappings, mapping_count),
	LATER("PINS", struct profile_pin, pins, pin_count),
	LATER("AMRK", struct profile_arena_mark, arena_marks, arena_mark_count),
	LATER("HOLD", struct profile_holder, holders, holder_count),
	LATER("MCLS", struct profile_mark_class, mark_classes, mark_class_count),
	LATER("AUDT", struct profile_audit, audits, audit_count),
	LATER("AUDD", struct profile_audit_difference, differences, difference_count),
	LATER("PNTS", struct profile_point, points, point_count),
	LATER("RSET", struct stream_resident, residents, resident_count),
	LATER("RMAP", struct stream_mapped, mapped, mapped_count),
	LATER("FREE", struct profile_freed, frees, freed_count),
	LATER("LIFE", struct profile_lifetime, lifetimes, lifetime_count),
	LATER("PCHG", struct profile_point_change, point_changes, point_change_count),
};

enum { SHAPE_COUNT = sizeof(shapes) / sizeof(*shapes) };

static const char *const columns[] = {"BLKA", "BLKZ", "BLKS", "BLKW"};

void profile_problem(struct profile *profile, const struct err *err)
{
	size_t bytes = (profile->problem_count + 1) * sizeof(*profile->problems);

	profile->problems = mem_resize(profile->problems, bytes);
	profile->problems[profile->problem_count++] = mem_text(err->text);
}

const struct profile_section *profile_section_of(const struct profile *profile, const char *tag)
{
	for (size_t i = 0; i < profile->section_count; i++)
		if (!memcmp(profile->sections[i].tag, tag, sizeof(profile->sections[i].tag)))
			return &profile->sections[i];
	return NULL;
}

/* The section's items into the struct's array; -1 when there are none to be had. */
static int load_items(struct profile *profile, const char *tag, size_t known_bytes,
		      void **ret_items, size_t *ret_count)
{
	const struct profile_section *section = profile_section_of(profile, tag);
	struct err err;

	if (!section) {
		err_set(&err, "%s: has no section %s in its table at offset %zu", profile->path,
			tag, sizeof(struct profile_header));
	} else if (known_bytes == 1 && section->item_bytes != 1) {
		section_damaged(&profile->source, section, &err,
				"claims items of %u bytes, not 1", section->item_bytes);
	} else if (!section_read_items(&profile->source, section, known_bytes, ret_items,
				       ret_count, &err)) {
		return 0;
	}
	profile_problem(profile, &err);
	return -1;
}

static int load_shape(struct profile *profile, const struct shape *shape)
{
	void *items;
	size_t count;

	if (load_items(profile, shape->tag, shape->item_bytes, &items, &count))
		return -1;
	memcpy((uint8_t *)profile + shape->items, &items, sizeof(items));
	memcpy((uint8_t *)profile + shape->count, &count, sizeof(count));
	return 0;
}

static int load_run(struct profile *profile)
{
	__attribute__((cleanup(mem_scope))) void *items = NULL;
	struct err err;
	size_t count;

	if (load_items(profile, "RUN_", sizeof(profile->run), &items, &count))
		return -1;
	if (count == 1) {
		memcpy(&profile->run, items, sizeof(profile->run));
		return 0;
	}
	section_damaged(&profile->source, profile_section_of(profile, "RUN_"), &err,
			"has %zu items in place of one", count);
	profile_problem(profile, &err);
	return -1;
}

/* Columns are read later, if at all; that they are missing is told at once. */
static void look_for_columns(struct profile *profile)
{
	struct err err;

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		if (profile_section_of(profile, columns[i]))
			continue;
		err_set(&err, "%s: has no section %s in its table at offset %zu", profile->path,
			columns[i], sizeof(struct profile_header));
		profile_problem(profile, &err);
	}
}

static int read_header(struct profile *profile, struct profile_header *ret_header,
		       struct err *err)
{
	const struct section_source *source = &profile->source;
	struct profile_header header;

	if (section_source_read(source, 0, &header, sizeof(header), err))
		return -1;
	if (memcmp(header.magic, PROFILE_MAGIC, sizeof(header.magic)))
		return err_set(err, "%s: isn't a profile: no \"%s\" at offset 0", source->path,
			       PROFILE_MAGIC);
	if (header.version == 0 || header.version > PROFILE_VERSION)
		return err_set(err,
			       "%s: version %u of the format at offset 8 isn't known here (up "
			       "to %d is)",
			       source->path, header.version, PROFILE_VERSION);
	if (!header.section_count || header.section_count > PROFILE_MAX_SECTIONS)
		return err_set(err, "%s: claims %u sections at offset 12", source->path,
			       header.section_count);
	*ret_header = header;
	return 0;
}

static int read_table(struct profile *profile, const struct profile_header *header,
		      struct err *err)
{
	const struct section_source *source = &profile->source;
	size_t bytes = header->section_count * sizeof(*profile->sections);

	profile->sections = mem_alloc(bytes);
	if (section_source_read(source, header->table_offset, profile->sections, bytes, err))
		return -1;
	if (profile_checksum(header, profile->sections) != header->checksum)
		return err_set(err, "%s: header or section table at offset %llu is damaged",
			       source->path, (unsigned long long)header->table_offset);
	profile->section_count = header->section_count;
	return 0;
}

/* A file that was cut off still has its first sections. */
static void check_length(struct profile *profile, const struct profile_header *header)
{
	struct err err;

	if (header->file_bytes == profile->source.len)
		return;
	err_set(&err, "%s: is %s at offset %llu: it should have %llu bytes", profile->path,
		header->file_bytes > profile->source.len ? "cut off" : "continued",
		(unsigned long long)profile->source.len,
		(unsigned long long)header->file_bytes);
	profile_problem(profile, &err);
}

static int load(struct profile *profile, struct err *err)
{
	struct profile_header header;
	size_t readable = 0;

	if (read_header(profile, &header, err) || read_table(profile, &header, err))
		return -1;
	check_length(profile, &header);
	readable += !load_run(profile);
	for (size_t i = 0; i < SHAPE_COUNT; i++)
		if (!shapes[i].came_later || profile_section_of(profile, shapes[i].tag))
			readable += !load_shape(profile, &shapes[i]);
	if (!readable)
		return err_set(err, "%s", profile->problems[profile->problem_count - 1]);
	look_for_columns(profile);
	profile_check(profile);
	return 0;
}

/* Takes over the descriptor in any case. */
static int load_source(struct section_source source, struct profile **ret_profile,
		       struct err *err)
{
	struct profile *profile = mem_alloc(sizeof(*profile));

	profile->path = mem_text(source.path);
	profile->source = source;
	profile->source.path = profile->path;
	if (load(profile, err)) {
		profile_free(profile);
		return -1;
	}
	*ret_profile = profile;
	return 0;
}

int profile_open(const char *path, struct profile **ret_profile, struct err *err)
{
	return profile_open_as(path, path, ret_profile, err);
}

int profile_open_as(const char *file, const char *path, struct profile **ret_profile,
		    struct err *err)
{
	/* Not to wait for the other end of what turns out to be a FIFO. */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_set(err, "%s: can't be opened: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, "%s: isn't a profile: not a regular file", path);
	}
	return load_source(
		(struct section_source){.path = path, .fd = fd, .len = (uint64_t)st.st_size},
		ret_profile, err);
}

int profile_parse(const char *path, const void *bytes, size_t len, struct profile **ret_profile,
		  struct err *err)
{
	return load_source(
		(struct section_source){.path = path, .fd = -1, .bytes = bytes, .len = len},
		ret_profile, err);
}

void profile_free(struct profile *profile)
{
	void *items;

	if (!profile)
		return;
	for (size_t i = 0; i < SHAPE_COUNT; i++) {
		memcpy(&items, (uint8_t *)profile + shapes[i].items, sizeof(items));
		free(items);
	}
	for (size_t i = 0; i < profile->problem_count; i++)
		free(profile->problems[i]);
	free(profile->problems);
	free(profile->blocks);
	free(profile->sections);
	if (profile->source.fd >= 0)
		close(profile->source.fd);
	free(profile->path);
	free(profile);
}

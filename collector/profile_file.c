#include "profile_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"

static int write_at(const struct profile_file *file, uint64_t offset, const void *bytes,
		    size_t len, struct err *err)
{
	const uint8_t *at = bytes;

	while (len) {
		ssize_t done = pwrite(file->fd, at, len, (off_t)offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, "%s: can't write %zu bytes at offset %llu: %s",
				       file->tmp_path, len, (unsigned long long)offset,
				       done ? strerror(errno) : "nothing is accepted");
		at += done;
		len -= (size_t)done;
		offset += (uint64_t)done;
	}
	return 0;
}

/*
 * A writer that was killed leaves its tmp behind. Anything that isn't plainly ours stays
 * there.
 */
static void remove_old(const char *tmp_path)
{
	struct stat st;

	if (!lstat(tmp_path, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		unlink(tmp_path);
}

int profile_file_create(struct profile_file *file, const char *path, uint32_t sections,
			struct err *err)
{
	size_t tmp_bytes = strlen(path) + sizeof(".tmp");

	assert(sections <= PROFILE_MAX_SECTIONS);
	*file = (struct profile_file){.path = path, .section_room = sections};
	file->end = sizeof(struct profile_header) + sections * sizeof(*file->table);
	file->tmp_path = mem_alloc(tmp_bytes);
	snprintf(file->tmp_path, tmp_bytes, "%s.tmp", path);
	remove_old(file->tmp_path);
	file->fd = open(file->tmp_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (file->fd >= 0)
		return 0;
	err_set(err, "%s: can't be created: %s", file->tmp_path, strerror(errno));
	profile_file_release(file);
	return -1;
}

void profile_file_release(struct profile_file *file)
{
	if (file->fd >= 0) {
		close(file->fd);
		unlink(file->tmp_path);
	}
	free(file->tmp_path);
	*file = (struct profile_file){.fd = -1};
}

static int put_spilled(struct profile_file *file, const struct section_write *section,
		       struct err *err)
{
	uint8_t bytes[1 << 16];
	ssize_t len;

	for (uint64_t at = 0; at < section->spilled_bytes; at += (uint64_t)len) {
		len = pread(section->spill_fd, bytes, sizeof(bytes), (off_t)at);
		if (len <= 0)
			return err_set(err, "%s: what was put aside can't be read: %m",
				       file->tmp_path);
		if ((uint64_t)len > section->spilled_bytes - at)
			len = (ssize_t)(section->spilled_bytes - at);
		if (write_at(file, file->end + at, bytes, (size_t)len, err))
			return -1;
	}
	file->end += section->spilled_bytes;
	return 0;
}

int profile_file_put(struct profile_file *file, const struct section_write *section,
		     struct err *err)
{
	struct profile_section entry = section->entry;

	assert(section->finished && file->section_count < file->section_room);
	entry.offset = file->end;
	if (put_spilled(file, section, err))
		return -1;
	if (write_at(file, file->end, section->stored.data, section->stored.len, err))
		return -1;
	file->end += section->stored.len;
	file->table[file->section_count++] = entry;
	return 0;
}

int profile_file_add(struct profile_file *file, struct section_write *section, struct err *err)
{
	if (section_write_finish(section, err))
		return err_prefix(err, "%s", file->tmp_path);
	return profile_file_put(file, section, err);
}

static int write_front(const struct profile_file *file, struct err *err)
{
	struct profile_header header = {
		.version = PROFILE_VERSION,
		.section_count = file->section_count,
		.table_offset = sizeof(header),
		.file_bytes = file->end,
	};

	memcpy(header.magic, PROFILE_MAGIC, sizeof(header.magic));
	header.checksum = profile_checksum(&header, file->table);
	if (write_at(file, sizeof(header), file->table,
		     file->section_count * sizeof(*file->table), err))
		return -1;
	return write_at(file, 0, &header, sizeof(header), err);
}

/* Best effort: the file is whole either way, only its new name may be lost with the power. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? mem_copy(path, (size_t)(slash - path) + 2) : mem_text(".");
	int fd;

	if (slash)
		folder[slash - path + 1] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	free(folder);
}

/* A file system may have no fsync, a container may refuse it: no reason to lose the profile. */
static bool is_on_disk(int fd)
{
	return fsync(fd) == 0 || (errno != EIO && errno != ENOSPC && errno != EDQUOT);
}

int profile_file_commit(struct profile_file *file, struct err *err)
{
	if (write_front(file, err))
		return -1;
	/* A umask may have taken away what its owner needs. */
	fchmod(file->fd, 0600);
	if (!is_on_disk(file->fd))
		return err_set(err, "%s: %llu bytes can't be made to last: %s", file->tmp_path,
			       (unsigned long long)file->end, strerror(errno));
	if (rename(file->tmp_path, file->path))
		return err_set(err, "%s: can't be renamed to %s: %s", file->tmp_path,
			       file->path, strerror(errno));
	close(file->fd);
	file->fd = -1;
	sync_folder(file->path);
	return 0;
}

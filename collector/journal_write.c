#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "columns.h"
#include "journal_sum.h"
#include "mem.h"
#include "profile_write.h"

/*
 * Measured on allocation-heavy programs: higher levels cost more than they save, lower ones
 * too.
 */
enum { JOURNAL_ZSTD_LEVEL = 1 };

struct journal {
	int fd;
	char *path;
	uint64_t sequence; /* of the next frame */
	uint32_t covers;   /* a checkpoint's, as next_sequence */
	uint64_t next_sequence;
	uint64_t bytes; /* of whole frames, and the header */
	struct columns columns;
	ZSTD_CCtx *zstd;
	uint8_t *raw;    /* columns of one batch */
	uint8_t *stored; /* a frame's header and content, written at once */
	size_t stored_room;
};

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			errno = done ? errno : ENOSPC;
			return -1;
		}
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

static int write_header(struct journal *journal, uint32_t segment,
			const struct run_identity *identity, struct err *err)
{
	struct journal_header header = {
		.magic = JOURNAL_MAGIC,
		.version = JOURNAL_VERSION,
		.header_bytes = sizeof(header),
		.segment = segment,
		.pid = identity->pid,
		.uid = identity->uid,
		.covers = journal->covers,
		.run_id = identity->run_id,
		.process_start = identity->process_start,
		.start_real_ns = identity->start_real_ns,
		.slack_bytes = identity->slack_bytes,
		.first_sequence = journal->sequence,
		.parent_run_id = identity->parent_run_id,
	};

	header.checksum = journal_sum(&header, offsetof(struct journal_header, checksum));
	if (write_all(journal->fd, (const uint8_t *)&header, sizeof(header)) < 0)
		return err_set(err, "%s: %m", journal->path);
	journal->bytes = sizeof(header);
	return 0;
}

static void prepare_zstd(struct journal *journal)
{
	journal->zstd = ZSTD_createCCtx();
	ZSTD_CCtx_setParameter(journal->zstd, ZSTD_c_compressionLevel, JOURNAL_ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(journal->zstd, ZSTD_c_checksumFlag, 1);
	journal->raw = mem_alloc(columns_bound(COLUMNS_MAX_RECORDS));
	journal->stored_room = ZSTD_compressBound(columns_bound(COLUMNS_MAX_RECORDS));
	journal->stored = mem_alloc(sizeof(struct journal_frame) + journal->stored_room);
	columns_init(&journal->columns);
}

/* Takes over the journal. */
static int create(struct journal *journal, const char *path, uint32_t segment,
		  const struct run_identity *identity, struct journal **ret_journal,
		  struct err *err)
{
	unlink(path);
	journal->path = mem_text(path);
	prepare_zstd(journal);
	journal->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (journal->fd < 0)
		err_set(err, "%s: %m", path);
	if (journal->fd < 0 || write_header(journal, segment, identity, err) < 0) {
		journal_free(journal);
		return -1;
	}
	*ret_journal = journal;
	return 0;
}

int journal_create(const char *path, uint32_t segment, uint64_t first_sequence,
		   const struct run_identity *identity, struct journal **ret_journal,
		   struct err *err)
{
	struct journal *journal = mem_alloc(sizeof(*journal));

	journal->sequence = first_sequence;
	return create(journal, path, segment, identity, ret_journal, err);
}

int journal_create_checkpoint(const char *path, uint32_t covers, uint64_t next_sequence,
			      const struct run_identity *identity, struct journal **ret_journal,
			      struct err *err)
{
	struct journal *journal = mem_alloc(sizeof(*journal));

	journal->covers = covers;
	journal->next_sequence = next_sequence;
	return create(journal, path, 1, identity, ret_journal, err);
}

void journal_free(struct journal *journal)
{
	if (!journal)
		return;
	if (journal->fd >= 0)
		close(journal->fd);
	ZSTD_freeCCtx(journal->zstd);
	columns_release(&journal->columns);
	mem_scope(&journal->raw);
	mem_scope(&journal->stored);
	mem_scope(&journal->path);
	mem_scope(&journal);
}

uint64_t journal_bytes(const struct journal *journal)
{
	return journal->bytes;
}

uint64_t journal_sequence(const struct journal *journal)
{
	return journal->sequence;
}

/* Whatever went wrong, a reader must not find half a frame where the next one could follow. */
static int cut_back(struct journal *journal, struct err *err)
{
	err_set(err, "%s: offset %llu: %m", journal->path, (unsigned long long)journal->bytes);
	if (ftruncate(journal->fd, (off_t)journal->bytes) < 0)
		err_prefix(err, "and the half frame can't be cut off");
	lseek(journal->fd, (off_t)journal->bytes, SEEK_SET);
	return -1;
}

int journal_append(struct journal *journal, const struct journal_batch *batch, struct err *err)
{
	size_t raw = columns_encode(&journal->columns, batch->records, batch->count,
				    journal->raw);
	size_t stored = ZSTD_compress2(journal->zstd,
				       journal->stored + sizeof(struct journal_frame),
				       journal->stored_room, journal->raw, raw);
	struct journal_frame frame = {
		.magic = {'M', 'F', 'R', 'M'},
		.records = (uint32_t)batch->count,
		.sequence = journal->sequence,
		.ring_before = batch->ring_before,
		.ring_after = batch->ring_after,
		.bad_records = batch->bad_records,
		.raw_bytes = (uint32_t)raw,
		.stored_bytes = (uint32_t)stored,
		.next_sequence = journal->next_sequence,
	};

	if (ZSTD_isError(stored))
		return err_set(err, "%s: %s", journal->path, ZSTD_getErrorName(stored));
	frame.checksum = journal_sum(&frame, offsetof(struct journal_frame, checksum));
	memcpy(journal->stored, &frame, sizeof(frame));
	if (write_all(journal->fd, journal->stored, sizeof(frame) + stored) < 0)
		return cut_back(journal, err);
	journal->bytes += sizeof(frame) + stored;
	journal->sequence++;
	return 0;
}

int journal_sync(struct journal *journal, struct err *err)
{
	return fdatasync(journal->fd) < 0 ? err_set(err, "%s: %m", journal->path) : 0;
}

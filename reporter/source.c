#include "source.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../collector/mem.h"

enum { SOURCE_MAX_BYTES = 16 << 20 };

void source_init(struct source *source, uint64_t run_start_real_ns)
{
	*source = (struct source){.run_start_ns = (int64_t)run_start_real_ns};
}

void source_release(struct source *source)
{
	for (size_t i = 0; i < source->count; i++) {
		free(source->files[i].path);
		free(source->files[i].text);
	}
	free(source->files);
}

static size_t read_all(int fd, char *text, size_t len)
{
	size_t done = 0;
	while (done < len) {
		const ssize_t n = read(fd, text + done, len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

static void load(struct source_file *file)
{
	struct stat status;
	/* O_NONBLOCK: the path came out of a file and may name a pipe. */
	const int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    status.st_size <= SOURCE_MAX_BYTES) {
		const size_t size = (size_t)status.st_size;
		file->text = mem_alloc(size + 1);
		file->len = read_all(fd, file->text, size);
		file->changed_ns = status.st_mtim.tv_sec * 1000000000LL +
				   status.st_mtim.tv_nsec;
	}
	close(fd);
}

static struct source_file *find(struct source *source, const char *path)
{
	for (size_t i = 0; i < source->count; i++)
		if (strcmp(source->files[i].path, path) == 0)
			return &source->files[i];
	source->files = mem_grow(source->files, &source->capacity, source->count + 1,
				 sizeof source->files[0]);
	struct source_file *file = &source->files[source->count++];
	*file = (struct source_file){.path = mem_text(path)};
	load(file);
	return file;
}

const char *source_line(struct source *source, const char *path, int32_t line, size_t *ret_len,
			bool *ret_changed)
{
	if (line <= 0 || path[0] == '<')
		return NULL;
	const struct source_file *file = find(source, path);
	if (!file->text)
		return NULL;
	const char *at = file->text;
	const char *const end = at + file->len;
	for (int32_t i = 1; at && i < line; i++) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : NULL;
	}
	if (!at)
		return NULL;
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	stop = stop ? stop : end;
	while (at < stop && isspace((unsigned char)*at))
		at++;
	while (stop > at && isspace((unsigned char)stop[-1]))
		stop--;
	if (at == stop)
		return NULL;
	*ret_len = (size_t)(stop - at);
	*ret_changed = file->changed_ns > source->run_start_ns;
	return at;
}

void source_print(struct source *source, const struct term *term, const char *path,
		  int32_t line)
{
	size_t len;
	bool changed;
	const char *text = source_line(source, path, line, &len, &changed);
	if (!text)
		return;
	const size_t room = term->width > 12 ? term->width - 8 : SIZE_MAX;
	__attribute__((cleanup(mem_scope))) char *copy = mem_alloc(len + 1);
	memcpy(copy, text, len < room ? len : room);
	fprintf(term->out, "    %s", term_dim(term));
	term_text(term, copy);
	fprintf(term->out, "%s%s%s\n", len > room ? "..." : "",
		changed ? "  (the file was changed since)" : "", term_plain(term));
}

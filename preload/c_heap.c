#include "c_heap.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "facts.h"
#include "malloc_info.h"
#include "reach.h"
#include "real.h"
#include "words.h"

enum { FILE_BYTES = 4096, SIZES_BYTES = 1024 };

static bool is_glibc;
static FILE *file;
static char file_buffer[FILE_BYTES];
static atomic_flag in_use = ATOMIC_FLAG_INIT;
static struct malloc_info info;

/* By a function that only it has, in the object whose malloc it is; else by its file's name. */
static const char *name_of(const void *served)
{
	static const struct {
		const char *function, *name;
	} known[] = {
		{"mallctl", "jemalloc"},
		{"mi_version", "mimalloc"},
		{"tc_version", "tcmalloc"},
		{"MallocExtension_Internal_GetStats", "tcmalloc"},
		{"scalable_malloc", "tbbmalloc"},
		{"rpmalloc", "rpmalloc"},
		{"gnu_get_libc_version", "glibc"},
	};
	Dl_info found;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const void *function = dlsym(RTLD_DEFAULT, known[i].function);

		if (function && reach_object(function) == reach_object(served))
			return known[i].name;
	}
	if (!dladdr(served, &found) || !found.dli_fname)
		return "unknown";
	const char *slash = strrchr(found.dli_fname, '/');

	return slash ? slash + 1 : found.dli_fname;
}

static ssize_t take(void *cookie, const char *bytes, size_t len)
{
	malloc_info_feed(cookie, bytes, len);
	return (ssize_t)len;
}

void c_heap_init(void)
{
	const char *name = name_of(reach_serving_malloc());

	/* What wasn't found is nothing that the program should hear of. */
	dlerror();
	facts_send_one("c_heap.allocator", name);
	is_glibc = strcmp(name, "glibc") == 0;
	if (!is_glibc || !real.malloc_info)
		return;
	file = fopencookie(&info, "w", (cookie_io_functions_t){.write = take});
	if (file)
		setvbuf(file, file_buffer, _IOFBF, sizeof(file_buffer));
}

bool c_heap_is_glibc(void)
{
	return is_glibc;
}

void c_heap_after_fork(void)
{
	atomic_flag_clear(&in_use);
}

/* "SIZE:CHUNKS:BYTES ...", SIZE being the power of two that the chunks have at least. */
static void send_sizes(void)
{
	char buffer[SIZES_BYTES];
	struct words words = words_over(buffer, sizeof(buffer));

	for (unsigned i = 0; i < MALLOC_INFO_SIZES; i++) {
		if (!info.sizes[i].chunks)
			continue;
		if (words.len)
			words_char(&words, ' ');
		words_number(&words, (uint64_t)1 << i);
		words_char(&words, ':');
		words_number(&words, info.sizes[i].chunks);
		words_char(&words, ':');
		words_number(&words, info.sizes[i].bytes);
	}
	facts_send_one("c_heap.free_sizes", buffer);
}

static void send_all(const char *mark, uint64_t top_bytes)
{
	uint64_t top_pages = top_bytes == UINT64_MAX ? 0 : malloc_info_top_pages(top_bytes);

	facts_send_one("c_heap.mark", mark);
	facts_send_number("c_heap.arenas", info.arenas);
	facts_send_number("c_heap.free_chunks", info.free_chunks);
	facts_send_number("c_heap.free_bytes", info.free_bytes);
	facts_send_number("c_heap.fast_bytes", info.fast_bytes);
	facts_send_number("c_heap.trim_bytes", info.whole_page_bytes + top_pages);
	send_sizes();
}

void c_heap_send(const char *mark, uint64_t top_bytes)
{
	/* Acquire, with the release below: `info` is as the one before left it. */
	if (!file || atomic_flag_test_and_set_explicit(&in_use, memory_order_acquire))
		return;
	malloc_info_init(&info);
	if (!real.malloc_info(0, file) && !fflush(file) && info.arenas)
		send_all(mark, top_bytes);
	atomic_flag_clear_explicit(&in_use, memory_order_release);
}

#include "late.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <link.h>
#include <stdbool.h>
#include <string.h>

#include "exports.h"
#include "facts.h"
#include "freer.h"
#include "life.h"
#include "real.h"
#include "thread.h"
#include "watch.h"
#include "words.h"

/* A Python is looked out for: from the constructor on, until one is found. */
static _Atomic bool looking;
static __thread bool loading;

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* "libpython3.11.so.1.0"; not "libpython3.so", which only leads to one of those. */
static bool is_libpython(const char *path)
{
	static const char cpython[] = "libpython3.";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char after = begins(name, cpython) ? name[sizeof(cpython) - 1] : '\0';

	return (after >= '0' && after <= '9') || begins(name, "libpypy3");
}

void late_begin(void)
{
	atomic_store(&looking, true);
}

static void expect(void)
{
	if (loading || !atomic_load_explicit(&looking, memory_order_relaxed))
		return;
	loading = true;
	atomic_fetch_add(&watch_word, WATCH_LOAD);
}

static void expect_no_more(void)
{
	uint32_t word = atomic_load(&watch_word);

	if (!loading)
		return;
	loading = false;
	/* Whoever found a Python has taken the count away. */
	while (word >= WATCH_LOAD &&
	       !atomic_compare_exchange_weak(&watch_word, &word, word - WATCH_LOAD))
		;
}

/* Its malloc and free will be the C library's own, wherever we stand. */
static void note_deep_binding(const char *file)
{
	int saved = errno;

	if (!life_traced() || !thread_enter())
		return;
	facts_send_one("deep_bound", file);
	thread_leave();
	errno = saved;
}

EXPORT void *dlopen(const char *file, int mode)
{
	if (!real_resolve())
		return NULL;
	if (file && mode & RTLD_DEEPBIND)
		note_deep_binding(file);
	if (file && !(mode & RTLD_NOLOAD)) {
		freer_note_library(file);
		expect();
	}
	return real.dlopen(file, mode);
}

static void found(const char *path)
{
	void *library = real.dlopen(path, RTLD_LAZY | RTLD_NOLOAD);

	if (!library || !atomic_exchange(&looking, false))
		return;
	atomic_fetch_and(&watch_word, WATCH_SLOTS);
	life_begin_late(library);
}

struct search {
	uintptr_t caller;
	bool too_early;    /* the loader calls, or the C library */
	struct words path; /* of the libpython; empty: there is none */
};

static bool covers(const struct dl_phdr_info *object, uintptr_t address)
{
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];

		if (part->p_type == PT_LOAD &&
		    address - object->dlpi_addr - part->p_vaddr < part->p_memsz)
			return true;
	}
	return false;
}

static int look_at_object(struct dl_phdr_info *object, size_t bytes, void *argument)
{
	struct search *search = argument;
	uintptr_t of_libc = (uintptr_t)gnu_get_libc_version;

	(void)bytes;
	if (covers(object, search->caller) &&
	    (object->dlpi_addr == _r_debug.r_ldbase || covers(object, of_libc)))
		search->too_early = true;
	if (!search->path.len && is_libpython(object->dlpi_name))
		words_add(&search->path, object->dlpi_name);
	return search->too_early;
}

static void look_at_all(const void *caller)
{
	char path[PATH_MAX];
	struct search search = {
		.caller = (uintptr_t)caller,
		.path = words_over(path, sizeof(path)),
	};

	dl_iterate_phdr(look_at_object, &search);
	if (search.too_early)
		return;
	expect_no_more();
	if (search.path.len && !search.path.cut)
		found(path);
}

/*
 * Takes no lock of the loader's, as glibc 2.35 can: who loads may be waiting for this thread.
 */
static void look_at_caller(const void *caller)
{
#ifdef DLFO_STRUCT_HAS_EH_DBASE
	struct dl_find_object object;

	if (real._dl_find_object && !real._dl_find_object((void *)(uintptr_t)caller, &object) &&
	    is_libpython(object.dlfo_link_map->l_name))
		found(object.dlfo_link_map->l_name);
#else
	(void)caller;
#endif
}

void late_look(const void *caller)
{
	int saved = errno;

	if (!thread_enter())
		return;
	if (loading && atomic_load(&looking))
		look_at_all(caller);
	else if (loading)
		expect_no_more();
	else
		look_at_caller(caller);
	thread_leave();
	errno = saved;
}

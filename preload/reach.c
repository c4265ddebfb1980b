#include "reach.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>

#include "facts.h"
#include "real.h"
#include "watch.h"

const void *reach_object(const void *address)
{
	Dl_info found;

	return address && dladdr(address, &found) ? found.dli_fbase : NULL;
}

/*
 * Whether an object has a definition there, and not only the stub that stands for somebody
 * else's function in a program that is linked to fixed addresses.
 */
static bool defines(const void *object, const void *function)
{
	Dl_info found;
	void *entry = NULL;

	if (!function || !dladdr1(function, &found, &entry, RTLD_DL_SYMENT))
		return false;
	return found.dli_fbase == object && entry &&
	       ((const ElfW(Sym) *)entry)->st_shndx != SHN_UNDEF;
}

/* Objects stand in the order in which names are looked for; NULL: none before us has it. */
static const void *defined_before_us(const char *name)
{
	void *program = real.dlopen(NULL, RTLD_LAZY);
	const void *ours = reach_object((void *)(uintptr_t)&defined_before_us), *found = NULL;
	struct link_map *at = NULL;

	if (!program || dlinfo(program, RTLD_DI_LINKMAP, &at))
		at = NULL;
	for (; !found && at && reach_object(at->l_ld) != ours; at = at->l_next) {
		/* What was there from the start can be asked only through a handle. */
		void *handle = real.dlopen(*at->l_name ? at->l_name : NULL,
					   RTLD_LAZY | RTLD_NOLOAD);
		const void *function = handle ? dlsym(handle, name) : NULL;

		if (defines(reach_object(at->l_ld), function))
			found = function;
	}
	/* What wasn't found is nothing that the program should hear of. */
	dlerror();
	return found;
}

/*
 * The program itself, or what was preloaded before us, may have a malloc of its own: then ours
 * is never called for it.
 */
const void *reach_serving_malloc(void)
{
	const void *in_front = defined_before_us("malloc");

	return in_front ? in_front : (const void *)real.malloc;
}

bool reach_is_second(void)
{
	return defined_before_us("memtrace_active");
}

/* As the loader finds it for the program: by name it would be our own in here. */
static bool comes_here(void)
{
	void *(*get)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc");
	void (*give_back)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");

	atomic_fetch_or(&watch_word, WATCH_REACH);
	give_back(get(1));
	return !(atomic_fetch_and(&watch_word, ~(uint32_t)WATCH_REACH) & WATCH_REACH);
}

void reach_look(void)
{
	const void *served = reach_serving_malloc();
	Dl_info found;

	if (comes_here())
		return;
	if (served != (const void *)real.malloc && dladdr(served, &found))
		facts_send_one("malloc_taken_by", found.dli_fname);
	else
		facts_send_one("malloc_taken_by", "valgrind, or what else replaces functions");
}

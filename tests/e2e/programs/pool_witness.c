/*
 * pool_witness.so: what the interpreter itself says of its arenas, pools and blocks, beside a
 * mark.
 *
 * Loaded by ctypes.PyDLL, so that each function runs with the GIL held and nothing of the
 * interpreter's can change between the mark and what is written here.
 *
 * The interpreter prints its figures of pools only while its own functions stand in the slot of
 * the object domain. Where those lie is learned from a run without the tracer
 * (witness_functions), as distances to an exported function, and given to the traced run in
 * WITNESS_FUNCTIONS.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OBJECT_DOMAIN = 2,
	WORDS = 5,
	PATH_BYTES = 4096,
	PAGE_BYTES = 4096,
	MAPS_BYTES = 1 << 20
};

/* PyMemAllocatorEx: ctx, malloc, calloc, realloc, free. */
struct allocator {
	uintptr_t words[WORDS];
};

/* PyInterpreterConfig and PyStatus of 3.12 and later: cpython/initconfig.h. */
struct config {
	int use_main_obmalloc, allow_fork, allow_exec, allow_threads, allow_daemon_threads,
		check_multi_interp_extensions, gil;
};
enum { GIL_OWN = 2 };
struct status {
	int type;
	const char *func, *message;
	int exitcode;
};

static void *find(const char *name)
{
	void *function = dlsym(RTLD_DEFAULT, name);

	if (!function) {
		fprintf(stderr, "witness: no %s\n", name);
		abort();
	}
	return function;
}

/* What is in the slot now, as one word a function, 0 for an empty one. */
void witness_functions(void)
{
	void (*get)(int, struct allocator *) =
		(void (*)(int, struct allocator *))find("PyMem_GetAllocator");
	struct allocator now;

	get(OBJECT_DOMAIN, &now);
	for (int i = 0; i < WORDS; i++)
		printf("%ld ", now.words[i] ? (long)(now.words[i] - (uintptr_t)get) : 0);
	printf("\n");
	fflush(stdout);
}

static struct allocator interpreters_own(void)
{
	uintptr_t near = (uintptr_t)find("PyMem_GetAllocator");
	const char *at = getenv("WITNESS_FUNCTIONS");
	struct allocator own = {{0}};

	if (!at)
		abort();
	for (int i = 0; i < WORDS; i++) {
		char *end;
		long distance = strtol(at, &end, 10);

		own.words[i] = distance ? near + (uintptr_t)distance : 0;
		at = end;
	}
	return own;
}

static void write_figures(FILE *file)
{
	void (*get)(int, struct allocator *) =
		(void (*)(int, struct allocator *))find("PyMem_GetAllocator");
	void (*set)(int, struct allocator *) =
		(void (*)(int, struct allocator *))find("PyMem_SetAllocator");
	int (*figures)(FILE *) = (int (*)(FILE *))find("_PyObject_DebugMallocStats");
	struct allocator own = interpreters_own(), ours;

	get(OBJECT_DOMAIN, &ours);
	set(OBJECT_DOMAIN, &own);
	figures(file);
	set(OBJECT_DOMAIN, &ours);
}

static FILE *open_beside(const char *path, const char *suffix)
{
	char whole[PATH_BYTES];

	snprintf(whole, sizeof(whole), "%s.%s", path, suffix);
	FILE *file = fopen(whole, "w");

	if (!file)
		abort();
	return file;
}

/*
 * By the kernel, which stops at a page that can't be read (a guard below a thread's stack)
 * where we would crash: such pages become holes.
 */
static void write_range(FILE *file, unsigned long start, unsigned long bytes)
{
	uint64_t range[2] = {start, bytes};

	fwrite(range, sizeof(range), 1, file);
	fflush(file);
	for (unsigned long done = 0; done < bytes;) {
		ssize_t put = write(fileno(file), (const void *)(start + done), bytes - done);

		if (put <= 0) {
			lseek(fileno(file), PAGE_BYTES, SEEK_CUR);
			put = PAGE_BYTES;
		}
		done += (unsigned long)put;
	}
	fseek(file, 0, SEEK_CUR);
}

/* All anonymous memory that may hold arenas: its address and length, then its bytes. */
static void write_memory(FILE *file)
{
	static char maps[MAPS_BYTES];
	int fd = open("/proc/self/maps", O_RDONLY);
	size_t len = 0;
	ssize_t got;

	while ((got = read(fd, maps + len, sizeof(maps) - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	maps[len] = '\0';
	for (char *line = maps; *line; line = strchr(line, '\n') + 1) {
		unsigned long start, end, inode;
		char access[5];
		int name = 0;

		if (sscanf(line, "%lx-%lx %4s %*s %*s %lu%n", &start, &end, access, &inode,
			   &name) < 4 ||
		    strcmp(access, "rw-p") != 0 || inode || end - start < 256 << 10)
			continue;
		while (line[name] == ' ')
			name++;
		if (line[name] != '\n')
			continue;
		write_range(file, start, end - start);
	}
}

static void mark(const char *name)
{
	void (*memtrace_mark)(const char *) = (void (*)(const char *))dlsym(RTLD_DEFAULT,
									    "memtrace_mark");

	if (memtrace_mark)
		memtrace_mark(name);
}

/* PATH.figures and PATH.memory; the C heap may change meanwhile, the interpreter's doesn't. */
void witness_take(const char *name, const char *path)
{
	FILE *figures = open_beside(path, "figures");
	FILE *memory = open_beside(path, "memory");

	mark(name);
	write_figures(figures);
	write_memory(memory);
	fclose(figures);
	fclose(memory);
}

static unsigned long resident_bytes(void)
{
	char text[128] = "";
	unsigned long pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) > 0)
		sscanf(text, "%*u %lu", &pages);
	close(fd);
	return pages * PAGE_BYTES;
}

/*
 * A mark; then, with nothing allocated in between, what glibc says of its heap as PATH.malloc;
 * then what malloc_trim gives back.
 */
long witness_trim(const char *name, const char *path)
{
	static char buffer[1 << 16];
	FILE *file = open_beside(path, "malloc");

	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	mark(name);
	malloc_info(0, file);
	fflush(file);
	unsigned long before = resident_bytes();

	malloc_trim(0);
	unsigned long after = resident_bytes();

	fclose(file);
	return (long)before - (long)after;
}

static void *new_interpreter(int own)
{
	void *state = NULL;

	if (!own) {
		void *(*make)(void) = (void *(*)(void))find("Py_NewInterpreter");

		return make();
	}
	const struct config config = {
		.allow_threads = 1,
		.check_multi_interp_extensions = 1,
		.gil = GIL_OWN,
	};
	struct status (*make)(void **, const struct config *) = (struct status(*)(
		void **, const struct config *))find("Py_NewInterpreterFromConfig");

	if (make(&state, &config).type)
		abort();
	return state;
}

enum { INTERPRETERS = 3 };

/*
 * `text` in three new interpreters, each called again for each of `rounds`, by turns. Then one
 * mark, and PATH.0.figures of this one, PATH.1.figures and so on of the others: with memory of
 * their own each tells its own, otherwise all tell the same. They are not ended.
 */
void witness_interpreters(const char *text, int rounds, int own, const char *name,
			  const char *path)
{
	void *(*swap)(void *) = (void *(*)(void *))find("PyThreadState_Swap");
	void *(*now)(void) = (void *(*)(void))find("PyThreadState_Get");
	int (*run)(const char *) = (int (*)(const char *))find("PyRun_SimpleString");
	void *states[INTERPRETERS + 1] = {now()};
	FILE *files[INTERPRETERS + 1];
	FILE *memory = open_beside(path, "memory");

	for (int i = 1; i <= INTERPRETERS; i++)
		states[i] = new_interpreter(own);
	for (int i = 0; i < rounds * INTERPRETERS; i++) {
		swap(states[1 + i % INTERPRETERS]);
		if (run(text))
			abort();
	}
	swap(states[0]);
	for (int i = 0; i <= INTERPRETERS; i++) {
		char suffix[32];

		snprintf(suffix, sizeof(suffix), "%d.figures", i);
		files[i] = open_beside(path, suffix);
	}
	mark(name);
	for (int i = 0; i <= INTERPRETERS; i++) {
		swap(states[i]);
		write_figures(files[i]);
	}
	swap(states[0]);
	write_memory(memory);
	for (int i = 0; i <= INTERPRETERS; i++)
		fclose(files[i]);
	fclose(memory);
}

/*
 * embed LIBPYTHON HOW SCRIPT...: a host that loads Python late and runs each SCRIPT's text in
 * it, finalising in between. HOW is a list of words, separated by commas:
 *
 *	global, local   how the library is opened (local)
 *	worker          another thread, made before, initialises Python and runs it
 *	silent          likewise; the thread that loaded the library allocates nothing any more
 *	pool            threads made before the library was loaded run the function work()
 *	own             script by script in an interpreter with a GIL of its own (from 3.12 on)
 *	shared          likewise, with the GIL that all share
 *	keep            the interpreter of these two is left as it is, and the process ends
 *	two             the script in two interpreters with their own GIL, at once
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POOL = 8, BEFORE = 100 };

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

static struct {
	void (*Py_Initialize)(void);
	int (*Py_FinalizeEx)(void);
	int (*PyRun_SimpleString)(const char *);
	int (*PyGILState_Ensure)(void);
	void (*PyGILState_Release)(int);
	void *(*PyEval_SaveThread)(void);
	void (*PyEval_RestoreThread)(void *);
	void *(*PyThreadState_Get)(void);
	void *(*PyThreadState_Swap)(void *);
	void *(*Py_NewInterpreter)(void);
	void (*Py_EndInterpreter)(void *);
	struct status (*Py_NewInterpreterFromConfig)(void **, const struct config *);
} py;

static const char *library, *how;
static char **scripts;
static void *volatile block_before;
static pthread_barrier_t loaded, begun;
static volatile int may_run;

static int is(const char *word)
{
	return strstr(how, word) != NULL;
}

static void load(void)
{
	void *handle = dlopen(library, RTLD_NOW | (is("global") ? RTLD_GLOBAL : RTLD_LOCAL));

	if (!handle) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
#define FIND(name) *(void **)&py.name = dlsym(handle, #name)
	FIND(Py_Initialize);
	FIND(Py_FinalizeEx);
	FIND(PyRun_SimpleString);
	FIND(PyGILState_Ensure);
	FIND(PyGILState_Release);
	FIND(PyEval_SaveThread);
	FIND(PyEval_RestoreThread);
	FIND(PyThreadState_Get);
	FIND(PyThreadState_Swap);
	FIND(Py_NewInterpreter);
	FIND(Py_EndInterpreter);
	if (is("own") || is("two"))
		FIND(Py_NewInterpreterFromConfig);
#undef FIND
}

static void run(const char *script)
{
	if (py.PyRun_SimpleString(script))
		exit(1);
}

static void *new_own(void)
{
	const struct config config = {
		.allow_threads = 1,
		.check_multi_interp_extensions = 1,
		.gil = GIL_OWN,
	};
	void *state = NULL;
	struct status status = py.Py_NewInterpreterFromConfig(&state, &config);

	if (status.type)
		exit(3);
	return state;
}

static void run_inside(const char *script)
{
	void *main_state = py.PyThreadState_Get();
	void *state = is("own") ? new_own() : py.Py_NewInterpreter();

	run(script);
	if (!is("keep")) {
		py.Py_EndInterpreter(state);
		py.PyThreadState_Swap(main_state);
	}
}

static void *run_beside(void *argument)
{
	py.PyGILState_Ensure();
	new_own();
	run(argument);
	/* Both at once, with a GIL each; the process ends without finalising them. */
	pthread_barrier_wait(&begun);
	py.PyEval_SaveThread();
	return NULL;
}

static void run_two(const char *script)
{
	pthread_t threads[2];
	void *state = py.PyEval_SaveThread();

	pthread_barrier_init(&begun, NULL, 2);
	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, run_beside, (void *)(size_t)script);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	py.PyEval_RestoreThread(state);
}

static void *pooled(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&loaded);
	int held = py.PyGILState_Ensure();

	run("work()");
	py.PyGILState_Release(held);
	return NULL;
}

static void run_pool(pthread_t *pool)
{
	void *state = py.PyEval_SaveThread();

	pthread_barrier_wait(&loaded);
	for (int i = 0; i < POOL; i++)
		pthread_join(pool[i], NULL);
	py.PyEval_RestoreThread(state);
}

static void run_all(pthread_t *pool)
{
	for (char **script = scripts; *script; script++) {
		py.Py_Initialize();
		if (is("two"))
			run_two(*script);
		else if (is("own") || is("shared"))
			run_inside(*script);
		else
			run(*script);
		if (is("pool"))
			run_pool(pool);
		if (is("two") || is("keep"))
			exit(0);
		if (py.Py_FinalizeEx())
			exit(1);
	}
}

static void *worker(void *unused)
{
	(void)unused;
	while (!may_run)
		usleep(1000);
	run_all(NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[POOL];

	if (argc < 4)
		return 2;
	library = argv[1];
	how = argv[2];
	scripts = argv + 3;
	for (int i = 0; i < BEFORE; i++)
		block_before = malloc(1000);
	pthread_barrier_init(&loaded, NULL, POOL + 1);
	if (is("worker") || is("silent")) {
		pthread_create(&threads[0], NULL, worker, NULL);
		load();
		if (!is("silent"))
			block_before = malloc(1000);
		may_run = 1;
		pthread_join(threads[0], NULL);
		return 0;
	}
	for (int i = 0; i < POOL && is("pool"); i++)
		pthread_create(&threads[i], NULL, pooled, NULL);
	load();
	run_all(threads);
	return 0;
}

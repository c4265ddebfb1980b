#include "facts.h"

#include <fcntl.h>
#include <gnu/libc-version.h>
#include <limits.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "intern.h"
#include "python.h"
#include "ring.h"
#include "words.h"

enum { FACT_BYTES = 8192, SHORT_BYTES = 256 };

static void put_fact(struct words words, const char *key, const char *value)
{
	words_add(&words, key);
	words_char(&words, '=');
	words_add(&words, value);
	intern_put_text(R_INFO, 0, words.text, words.len);
}

static __attribute__((noinline)) void send_long(const char *key, const char *value)
{
	char buffer[FACT_BYTES];

	put_fact(words_over(buffer, sizeof(buffer)), key, value);
}

void facts_send_one(const char *key, const char *value)
{
	/* The program's stacks may be small. */
	char buffer[SHORT_BYTES];

	if (strlen(key) + strlen(value) + sizeof("=") > sizeof(buffer))
		send_long(key, value);
	else
		put_fact(words_over(buffer, sizeof(buffer)), key, value);
}

void facts_send_number(const char *key, uint64_t value)
{
	char buffer[24];
	struct words words = words_over(buffer, sizeof(buffer));

	words_number(&words, value);
	facts_send_one(key, buffer);
}

static void send_python(const char *allocator)
{
	char buffer[256];
	struct words words = words_over(buffer, sizeof(buffer));

	words_bytes(&words, python.version, strcspn(python.version, " "));
	facts_send_one("python", buffer);
	facts_send_one("implementation", python.implementation);
	facts_send_one("python_version", python.version);
	facts_send_one("allocator", allocator ? allocator : "default");
	words = words_over(buffer, sizeof(buffer));
	words_add(&words, python.has_layout ? "on" : "off: ");
	if (!python.has_layout)
		words_add(&words, python.why_not);
	facts_send_one("stacks", buffer);
	if (python.layout.free_threaded)
		facts_send_one("pools", "none: no pool map, this is a free-threaded build");
}

static void send_machine(void)
{
	struct utsname machine;
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (len > 0) {
		exe[len] = '\0';
		facts_send_one("exe", exe);
	}
	if (!uname(&machine))
		facts_send_one("arch", machine.machine);
	facts_send_one("libc", gnu_get_libc_version());
}

static void send_arguments(int argc, char *const argv[])
{
	char buffer[FACT_BYTES];
	struct words words = words_over(buffer, sizeof(buffer));

	for (int i = 0; i < argc; i++) {
		if (i)
			words_char(&words, ' ');
		words_add(&words, argv[i]);
	}
	facts_send_one("argv", buffer);
}

void facts_send(const char *program, const char *allocator, int argc, char *const argv[])
{
	facts_send_one("program", program);
	facts_send_one("mode", "exact");
	facts_send_one("library_version", MEMTRACE_VERSION);
	send_python(allocator);
	send_machine();
	facts_send_number("parent_pid", (uint64_t)getppid());
	facts_send_number("ring_slots", ring.capacity);
	if (argc > 0)
		send_arguments(argc, argv);
}

void facts_send_parent(uint64_t run_id, const char *path)
{
	facts_send_number("parent_run", run_id);
	facts_send_one("parent_file", path);
}

void facts_send_child(void)
{
	facts_send_number("parent_pid", (uint64_t)getppid());
	facts_send_one("forked", "1");
}

void facts_list(const char *list, const char *path)
{
	char buffer[PATH_MAX + 1];
	struct words words = words_over(buffer, sizeof(buffer));
	int fd = open(list, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	words_add(&words, path);
	words_char(&words, '\n');
	ssize_t ignored = write(fd, buffer, words.len);
	(void)ignored;
	close(fd);
}

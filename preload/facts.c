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

enum { FACT_BYTES = 8192 };

static void send(const char *key, const char *value)
{
	char buffer[FACT_BYTES];
	struct words words = words_over(buffer, sizeof(buffer));

	words_add(&words, key);
	words_char(&words, '=');
	words_add(&words, value);
	intern_put_text(R_INFO, 0, buffer, words.len);
}

static void send_number(const char *key, uint64_t value)
{
	char buffer[24];
	struct words words = words_over(buffer, sizeof(buffer));

	words_number(&words, value);
	send(key, buffer);
}

static void send_python(const char *allocator)
{
	char buffer[256];
	struct words words = words_over(buffer, sizeof(buffer));

	words_bytes(&words, python.version, strcspn(python.version, " "));
	send("python", buffer);
	send("implementation", python.implementation);
	send("python_version", python.version);
	send("allocator", allocator ? allocator : "default");
	words = words_over(buffer, sizeof(buffer));
	words_add(&words, python.has_layout ? "on" : "off: ");
	if (!python.has_layout)
		words_add(&words, python.why_not);
	send("stacks", buffer);
	if (python.layout.free_threaded)
		send("pools", "none: no pool map, this is a free-threaded build");
}

static void send_machine(void)
{
	struct utsname machine;
	char exe[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (len > 0) {
		exe[len] = '\0';
		send("exe", exe);
	}
	if (!uname(&machine))
		send("arch", machine.machine);
	send("libc", gnu_get_libc_version());
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
	send("argv", buffer);
}

void facts_send(const char *program, const char *allocator, int argc, char *const argv[])
{
	send("program", program);
	send("mode", "exact");
	send("library_version", MEMTRACE_VERSION);
	send_python(allocator);
	send_machine();
	send_number("parent_pid", (uint64_t)getppid());
	send_number("ring_slots", ring.capacity);
	if (argc > 0)
		send_arguments(argc, argv);
}

void facts_send_child(void)
{
	send_number("parent_pid", (uint64_t)getppid());
	send("forked", "1");
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

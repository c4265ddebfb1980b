#include "launch.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "c_heap.h"
#include "clock.h"
#include "facts.h"
#include "family.h"
#include "mark.h"
#include "output.h"
#include "proc.h"
#include "ring.h"
#include "say.h"
#include "spawn.h"
#include "thread.h"
#include "tree.h"
#include "words.h"

enum { PROGRAM_BYTES = 256 };

static struct output output;
static char program_name[PROGRAM_BYTES]; /* a child's file has its parent's %x */

const char *launch_path(void)
{
	return output.path;
}

/* `parents`: NULL where no traced process forked this one. */
static void fill_header(const char *folder, const struct ring_header *parents)
{
	struct ring_header *header = ring.header;
	struct words words = words_over(header->folder, sizeof(header->folder));
	struct proc_stat stat;

	/* First, so that nobody takes a child that was killed in here for a run of its own. */
	header->fork_id = parents ? family_fork_id() : 0;
	header->parent_run_id = parents ? parents->run_id : 0;
	words_add(&words, folder);
	words = words_over(header->out, sizeof(header->out));
	words_add(&words, output.path);
	header->pid = (uint32_t)getpid();
	header->uid = (uint32_t)geteuid();
	proc_stat_of(getpid(), &stat);
	header->process_start = stat.start;
	header->start_real_ns = clock_read_ns(CLOCK_REALTIME);
	header->start_mono_ns = clock_mono_ns();
	if (getrandom(&header->run_id, sizeof(header->run_id), GRND_NONBLOCK) !=
	    sizeof(header->run_id))
		header->run_id = header->start_real_ns ^ header->pid;
}

/* Where a relative pattern begins: where the tree's first traced process began. */
static void find_folder(const struct tree_ancestor *ancestor, char *folder, size_t capacity)
{
	struct words words = words_over(folder, capacity);

	if (ancestor)
		words_add(&words, ancestor->folder);
	else if (!getcwd(folder, capacity))
		folder[0] = '\0';
}

/* Once for the tree: the process above it has said it, or else this one does. */
static void say_elsewhere(const struct options *options, bool is_first)
{
	if (output.error && is_first)
		say((const char *const[]){"can't write ", options->out, " (",
					  strerrordesc_np(output.error),
					  "); the profile goes to ", output.path, NULL});
}

static uint64_t file_system; /* statfs.f_type: not all of them keep what a ring needs */

static uint64_t file_system_of(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) ? 0 : (uint32_t)fs.f_type;
}

static void say_untraced(const struct options *options)
{
	say((const char *const[]){"can't write ", options->out, " (",
				  strerrordesc_np(output.error), "); the program runs untraced",
				  NULL});
}

/* One that has dropped its privileges may have children every second: the first one says it. */
static void say_child_untraced(struct ring_header *parents, const char *parent_path)
{
	if (atomic_exchange(&parents->children_told, 1))
		return;
	say((const char *const[]){"a forked process can't write beside ", parent_path, " (",
				  strerrordesc_np(output.error),
				  "); it runs untraced, and so do others like it", NULL});
}

/* `elsewhere`: where it can't be where the pattern says. False: output.error is why. */
static bool make_ring(const struct options *options, const char *folder, bool elsewhere,
		      const struct ring_header *parents)
{
	if (!output_claim(options->out, folder, program_name, options->ring_bytes, elsewhere,
			  &output))
		return false;
	bool mapped = ring_open(output.ring_fd, output.record_bytes);
	int error = errno;

	file_system = file_system_of(output.ring_fd);
	close(output.ring_fd);
	if (mapped) {
		fill_header(folder, parents);
		ring.wait_for_ever = options->full == FULL_WAIT;
		return true;
	}
	output_drop(&output);
	output.error = error;
	return false;
}

static void list(const struct options *options)
{
	if (options->list)
		facts_list(options->list, output.path);
}

/* The collector has a folder of its own. NULL: no log. */
static const char *log_path(const struct options *options, const char *folder, char *path,
			    size_t capacity)
{
	struct words words = words_over(path, capacity);

	if (!options->log || (options->log[0] != '/' && !folder[0]))
		return NULL;
	if (options->log[0] != '/') {
		words_add(&words, folder);
		words_add(&words, "/");
	}
	words_add(&words, options->log);
	return words.cut ? NULL : path;
}

bool launch_run(const struct options *options, const char *program)
{
	static char folder[RING_FOLDER_BYTES], log[PATH_MAX];
	static struct tree_ancestor ancestor;
	struct words name = words_over(program_name, sizeof(program_name));
	bool found = tree_find_ancestor(&ancestor);

	words_add(&name, program);
	if (found && options->follow != FOLLOW_TREE)
		return false;
	find_folder(found ? &ancestor : NULL, folder, sizeof(folder));
	if (!make_ring(options, folder, true, NULL)) {
		say_untraced(options);
		return false;
	}
	say_elsewhere(options, !found);
	if (!spawn_collector(options, output.path,
			     log_path(options, folder, log, sizeof(log)))) {
		output_drop(&output);
		return false;
	}
	if (found)
		facts_send_parent(ancestor.run_id, ancestor.out);
	facts_send_number("file_system", file_system);
	list(options);
	return true;
}

/*
 * OUT.fork.ID of the parent is a second name of our ring's file: there the collector's child
 * looks.
 */
static bool link_ring(const char *parent_path, uint64_t fork_id)
{
	static char from[PATH_MAX + 8], to[PATH_MAX + 32];
	struct words words = words_over(from, sizeof(from));

	words_add(&words, output.path);
	words_add(&words, ".ring");
	words = words_over(to, sizeof(to));
	words_add(&words, parent_path);
	words_add(&words, ".fork.");
	words_number(&words, fork_id);
	return !link(from, to);
}

bool launch_child(const struct options *options)
{
	struct ring parents = ring;
	static char parent_path[PATH_MAX];
	bool elsewhere = output.error != 0; /* beside it the child's ring needs a second name */

	memcpy(parent_path, output.path, sizeof(parent_path));
	/* The collector stays who it is, and takes no other user's ring for its program's. */
	if (geteuid() != parents.header->uid) {
		family_tell(parents.header, FORK_GONE);
		return false;
	}
	if (!make_ring(options, parents.header->folder, elsewhere, parents.header)) {
		say_child_untraced(parents.header, parent_path);
		family_tell(parents.header, FORK_GONE);
		return false;
	}
	/* One clock for the tree. */
	ring.header->start_real_ns = parents.header->start_real_ns;
	ring.header->start_mono_ns = parents.header->start_mono_ns;
	if (!link_ring(parent_path, ring.header->fork_id)) {
		output.error = errno;
		output_drop(&output);
		say_child_untraced(parents.header, parent_path);
		family_tell(parents.header, FORK_GONE);
		return false;
	}
	family_tell(parents.header, FORK_RING);
	thread_announce(thread_self());
	facts_send_parent(parents.header->run_id, parents.header->out);
	ring_close(&parents);
	facts_send_child();
	c_heap_after_fork();
	/* What is live here was inherited. */
	mark_make("fork", MARK_TRACER);
	facts_send_number("file_system", file_system);
	list(options);
	return true;
}

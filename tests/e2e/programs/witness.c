/*
 * witness.c - a program's own account of its blocks, for test_kills.py.
 *
 * Each block has an entry in a file that is mapped shared, which outlives any kill. An entry
 * says what is about to be done before the call, and that it is done after it: what it says of
 * a call in progress leaves both answers open, all else is certain. Sizes are odd ones, so that
 * the test can tell these blocks from the interpreter's.
 *
 * A region of entries belongs to one thread of one process; a forked child gets a copy of its
 * parent's.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The interpreter's: looked up when the library is loaded. */
void *PyObject_Malloc(size_t size);
void *PyObject_Realloc(void *block, size_t size);
void PyObject_Free(void *block);
void *PyMem_Malloc(size_t size);
void *PyMem_Realloc(void *block, size_t size);
void PyMem_Free(void *block);

enum { REGIONS = 12, ENTRIES = 400 };

enum state { FREE = 0, ALLOCATING = 1, LIVE = 2, MOVING = 3, FREEING = 4 };

struct entry {
	_Atomic uint64_t state;
	uint64_t address, size, kind;
};

enum region_state { UNUSED = 0, CLAIMED = 1, IN_USE = 2, LEFT = 3 };

struct region {
	_Atomic uint32_t state;
	uint32_t pid;
	uint64_t dice;
	struct entry entries[ENTRIES];
};

struct ledger {
	_Atomic uint64_t claimed;
	struct region regions[REGIONS];
};

static const struct kind {
	void *(*allocate)(size_t size);
	void *(*resize)(void *block, size_t size);
	void (*release)(void *block);
} kinds[] = {
	{malloc, realloc, free},
	{PyMem_Malloc, PyMem_Realloc, PyMem_Free},
	{PyObject_Malloc, PyObject_Realloc, PyObject_Free},
};

static struct ledger *ledger;

int witness_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*ledger)) < 0)
		return -1;
	ledger = mmap(NULL, sizeof(*ledger), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return ledger == MAP_FAILED ? -1 : 0;
}

/* A region for a thread or a child to come; -1: there is none left. */
int witness_claim(void)
{
	uint64_t claimed = atomic_fetch_add(&ledger->claimed, 1);

	if (claimed >= REGIONS)
		return -1;
	ledger->regions[claimed].dice = 0x9e3779b97f4a7c15 * (claimed + 1) ^ (uint64_t)getpid();
	return (int)claimed;
}

/* Before a fork: what the child will have. */
void witness_copy(int from, int to)
{
	memcpy(ledger->regions[to].entries, ledger->regions[from].entries,
	       sizeof(ledger->regions[to].entries));
	atomic_store(&ledger->regions[to].state, CLAIMED);
}

static uint64_t throw(uint64_t *dice)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 7;
	*dice ^= *dice << 17;
	return *dice;
}

/* Mostly such that pools serve, 5 modulo 8; else 517 modulo 1024, some of them mapped. */
static uint64_t choose_size(uint64_t dice)
{
	if (dice % 8)
		return 5 + 8 * (dice / 8 % 63);
	return 517 + 1024 * (dice / 8 % 64 ? dice / 512 % 8 : 200 + dice / 512 % 100);
}

static void make(struct entry *entry, uint64_t dice, int most_kinds)
{
	entry->size = choose_size(dice / 16);
	entry->kind = dice % (uint64_t)most_kinds;
	atomic_store(&entry->state, ALLOCATING);
	entry->address = (uint64_t)(uintptr_t)kinds[entry->kind].allocate(entry->size);
	atomic_store(&entry->state, LIVE);
}

static void move(struct entry *entry, uint64_t dice)
{
	uint64_t size = choose_size(dice / 16);
	void *block = (void *)(uintptr_t)entry->address;

	atomic_store(&entry->state, MOVING);
	block = kinds[entry->kind].resize(block, size);
	entry->address = (uint64_t)(uintptr_t)block;
	entry->size = size;
	atomic_store(&entry->state, LIVE);
}

static void drop(struct entry *entry)
{
	atomic_store(&entry->state, FREEING);
	kinds[entry->kind].release((void *)(uintptr_t)entry->address);
	atomic_store(&entry->state, FREE);
}

/* So many calls; with the GIL of all kinds, without it of malloc's. */
void witness_step(int index, int calls, int most_kinds)
{
	struct region *region = &ledger->regions[index];

	for (int i = 0; i < calls; i++) {
		uint64_t dice = throw(&region->dice);
		struct entry *entry = &region->entries[dice % ENTRIES];

		dice = throw(&region->dice);
		if (entry->state == FREE)
			make(entry, dice, most_kinds);
		else if (dice % 5 == 0)
			move(entry, dice);
		else
			drop(entry);
	}
	if (region->state != IN_USE) {
		region->pid = (uint32_t)getpid();
		atomic_store(&region->state, IN_USE);
	}
}

/* The process is about to end by itself. */
void witness_leave(int index)
{
	atomic_store(&ledger->regions[index].state, LEFT);
}

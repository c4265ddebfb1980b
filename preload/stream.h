/*
 * stream.h - what a traced process writes and everybody else reads.
 *
 * A stream is a sequence of 16-byte records in total order. Live, it lies in a ring: one file
 * per process, mapped shared by the program (many writing threads) and by its collector (one
 * reader). Kept, it lies in journals (collector/journal.h), where the collector has put records
 * of its own between those of the program.
 *
 * A record is two words:
 *
 *	head   bits  0-47  a      an address, or what the kind says
 *	       bits 48-53  kind   enum record_kind
 *	       bits 54-63  lap    position / capacity, modulo 1023, plus 1; 0 in journals
 *	body   bits  0-63  b      what the kind says
 *
 * A record that needs more is followed at once by R_DATA records. Of those, `a` holds six
 * payload bytes and `b` eight more, little-endian, in that order: STREAM_DATA_BYTES a record.
 * The slots of one such group are reserved together, so nothing stands between them.
 *
 * Order. A free is recorded before the real free, an allocation after the real one: between the
 * two records of an address no other thread can have been given it. A definition (R_NODE,
 * R_CODE, R_THREAD) is committed before a record that uses its id can be.
 *
 * Pairs of an allocation and its free may be missing altogether (the cancelling table): R_TEMP
 * counts them per stack.
 *
 * Who frees is told in streams with the fact "frees=1" alone: elsewhere every freeing stack is
 * 0.
 *
 * Trust: the bytes of a ring are input. Readers copy a record, then check it.
 */
#ifndef MEMTRACE_STREAM_H
#define MEMTRACE_STREAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STREAM_VERSION = 1,
	STREAM_RECORD_BYTES = 16,
	STREAM_DATA_BYTES = 14,
	/* R_DATA slots in one group at most: longer texts come in several fragments. */
	STREAM_MAX_DATA_SLOTS = 512,
	STREAM_LAPS = 1023,
	/* Frames kept of one stack at most; deeper ones lose their outermost frames. */
	STREAM_MAX_DEPTH = 4096,
};

struct record {
	uint64_t head;
	uint64_t body;
};
_Static_assert(sizeof(struct record) == STREAM_RECORD_BYTES, "records are 16 bytes");

enum record_kind {
	R_NONE = 0, /* never committed */
	R_DATA = 1,

	/*
	 * Blocks. a = address. b = stack (bits 0-31) | requested bytes (bits 32-63); the value
	 * 0xffffffff there means that one R_DATA follows whose first eight bytes are the size.
	 */
	R_ALLOC_MALLOC = 2, /* the malloc family, Python's raw domain included */
	R_ALLOC_MEM = 3,    /* PyMem_*, not served by pools: more than 512 bytes, or none */
	R_ALLOC_OBJECT = 4, /* PyObject_*, likewise */
	/*
	 * Blocks of a size that pools serve; whether a pool did, the address decides.
	 * b = stack | requested bytes (bits 32-47) | class (bits 48-55) | 0.
	 * class: 1 + size class index (block bytes = 16 * class), or STREAM_CLASS_KEPT after a
	 * realloc in place, which keeps the class that the block had.
	 */
	R_SMALL_MEM = 5,
	R_SMALL_OBJECT = 6,
	/*
	 * a = address. b = freeing stack or 0 | flags (bits 32-39) | thread slot (bits 40-63).
	 */
	R_FREE = 7,
	/* A realloc failed: the block that thread slot b freed last with F_REALLOC lives on.
	 * a = its address. */
	R_RESTORE = 8,
	/* Pairs cancelled: a = stack; b = bytes (bits 0-39) | pairs (bits 40-63). */
	R_TEMP = 9,
	/*
	 * The same with one R_DATA: bytes 0-3 the freeing stack or 0, bytes 4-7 enum
	 * free_flags.
	 */
	R_TEMP_BY = 30,

	/*
	 * Mappings. a = address; b = stack | pages of 4096 bytes (bits 32-63). R_MAP_FILE is
	 * all that isn't the program's own live memory: files, reserved address space
	 * (PROT_NONE), and what another allocator maps to hand out in blocks.
	 */
	R_MAP_ANON = 10,
	R_MAP_FILE = 11,
	/*
	 * a = address; b = freeing stack or 0 | pages (bits 32-63). Any part of any mappings.
	 */
	R_UNMAP = 12,
	/*
	 * Python's arenas. a = address; b = stack | bytes (bits 32-63). What else Python gets
	 * where it gets arenas is an R_MAP_ANON; R_ARENA_FREE gives back either.
	 */
	R_ARENA = 13,
	R_ARENA_FREE = 14,

	/*
	 * A cyclic collection. a = generation | R_GC_END; b = objects collected (at its end).
	 * The generation of one that begins isn't known yet: R_GC_UNKNOWN. One end a
	 * collection; those in which no event fell come without a beginning. The first end
	 * after a beginning is the one that belongs to it; from R_GC_TIME_SHIFT on its `a` says
	 * how long the collection took, in nanoseconds, 0 where that isn't known.
	 */
	R_GC = 15,

	/*
	 * Stack node. a = id (bits 0-31), ids are handed out 1, 2, 3, ... in stream order;
	 * b = parent's id (0: this is a root) | code id (bits 32-63). One R_DATA: bytes 0-3 the
	 * instruction's byte offset in the code (i32, negative before the first instruction),
	 * or, where code is STREAM_CODE_THREAD, the thread's slot. Roots are thread nodes.
	 * STREAM_CODE_TRUNCATED stands for the frames below a stack that was too deep.
	 * Id 0 is the empty stack: nothing is known.
	 */
	R_NODE = 16,
	/*
	 * The interpreter's own answer to "which line": a = code id; b = instruction's byte
	 * offset (i32, bits 0-31) | line (i32, bits 32-63). Compared with the line table
	 * (self-test).
	 */
	R_CHECK = 17,

	/*
	 * Texts: a = id (bits 0-31) | R_DATA slots that follow (bits 32-47); b = whole length
	 * in bytes (bits 0-31) | this fragment's offset (bits 32-63). A fragment carries
	 * min(length - offset, slots * 14) bytes. The fragments of one text come in order;
	 * other records may stand between them, fragments of the same kind may not.
	 */
	R_CODE = 18, /* id = code id, from STREAM_CODE_FIRST on; struct stream_code, strings */
	R_THREAD = 19, /* id = thread slot; struct stream_thread, then the name */
	R_INFO = 20,   /* id = 0; "key=value", UTF-8; a later value replaces an earlier one */
	R_MARK = 21,   /* id = 0; struct stream_mark, then the name */

	/*
	 * a = the block in which a thread finds its thread-local storage, b = its slot, named
	 * before. The C library gets it as it maps the thread's stack: whose block it is,
	 * mapped that.
	 */
	R_THREAD_STACK = 31,

	/* a = 0; execve is about to be called, b = 0, or has failed, b = errno. */
	R_EXEC = 22,
	/*
	 * A fork comes next: a = its number, counted from 1. What this process allocated before
	 * is the child's as well; what it does from here on is its own. The child's stream goes
	 * on in a ring of its own, with the ids defined here.
	 */
	R_FORK = 25,
	/* The last record of a process that ends by itself. a = enum stream_end; b = status. */
	R_END = 23,
	/*
	 * Python made a new object in a live block, which it had kept on a free list: a =
	 * address; b = stack. A free and an allocation of the same size in one.
	 */
	R_RETAG = 24,

	/*
	 * What the interpreter's own pool headers say, read by the thread that holds its GIL
	 * (an audit). Between R_AUDIT and R_AUDIT_END stand all records of one audit and, of
	 * the blocks in the arenas it tells of, none: what the records before R_AUDIT make live
	 * there is what the headers should say. Records of other threads may stand in between,
	 * but no other audit: there is one at a time. One that has no end (the process died, or
	 * it is a fork and the end is its parent's) is none.
	 *
	 * R_AUDIT: a = the `number` of the mark it belongs to, which may lie further back (an
	 * audit waits for an event of its interpreter), 0 where the process ends without
	 * finalising, and that mark is the collector's; b = which interpreter (its id; 0: the
	 * main one and all that share its GIL).
	 * R_AUDIT_ARENA: a = address; b = pools with live blocks that follow (bits 0-31) |
	 * bytes (bits 32-63). All arenas of the interpreter, with their pools, ascending.
	 * R_AUDIT_POOL: a = address; b = class as in R_SMALL_* (bits 0-7) | live blocks (bits
	 * 8-23) | R_DATA records that follow (bits 24-31). Those hold a bit for each block of
	 * the pool, the first block in the lowest bit of the first byte: 1 is live. A pool
	 * without them is full; blocks past the last bit are free. The count is the header's:
	 * where the list of free blocks is damaged, the bits are not as many.
	 * R_AUDIT_END: a = as in its R_AUDIT; b = nanoseconds that the program waited for it.
	 */
	R_AUDIT = 26,
	R_AUDIT_ARENA = 27,
	R_AUDIT_POOL = 28,
	R_AUDIT_END = 29,

	/* From the collector, in journals and in the heap's input, never in a ring. */
	R_TICK = 32,   /* a = milliseconds since start; b = resident set, bytes */
	R_LOST = 33,   /* a = slots skipped because nobody committed them; b = ring position */
	R_DIED = 34,   /* the program is gone without R_END; b = 0 */
	R_COUNTS = 35, /* a = events dropped so far; b = nanoseconds waited for a full ring */
	/*
	 * A block that still waits in the cancelling table at the next R_MARK, made from
	 * outside: it is live in that mark's figures, and in no other's. a = address; b = stack
	 * | bytes.
	 */
	R_WAITING = 36,
	/*
	 * A text: a part of a heap (collector/heap_state.h). Only a journal that stands for
	 * others has it, before all that is no definition.
	 */
	R_STATE = 37,
	/*
	 * The resident set by what it is for. a = 0; b = 0. R_DATA follow,
	 * STREAM_RESIDENT_SLOTS of them: struct stream_resident.
	 */
	R_RESIDENT = 38,
	/*
	 * Of the R_RESIDENT before it: what one stack mapped. a = 0; b = 0. R_DATA follow,
	 * STREAM_MAPPED_SLOTS of them: struct stream_mapped.
	 */
	R_MAPPED = 39,
	R_KIND_LIMIT = 64,
};

enum {
	STREAM_CLASS_KEPT = 63,
	STREAM_CODE_THREAD = 0,
	STREAM_CODE_TRUNCATED = 1,
	STREAM_CODE_FIRST = 16,
	R_GC_END = 1 << 8,
	R_GC_UNKNOWN = 3,
	R_GC_TIME_SHIFT = 9,
	STREAM_SIZE_WIDE = 0xffffffffu,
	/* Larger requests don't wait in the cancelling table: what does is so much at most. */
	STREAM_WAITING_MOST_BYTES = 512,
};

/* Flags of R_FREE. */
enum free_flags {
	F_GC = 1 << 0,      /* inside a cyclic collection */
	F_REALLOC = 1 << 1, /* half of a realloc: R_RESTORE may follow */
};

enum stream_end { END_EXIT = 1, END_UNDERSCORE_EXIT = 2, END_ABORT = 3 };

/* How a line table is written; see collector/linetable.h. */
enum linetable_kind {
	LINETABLE_NONE = 0,
	LINETABLE_LNOTAB = 1,    /* CPython <= 3.9 */
	LINETABLE_310 = 2,       /* CPython 3.10 */
	LINETABLE_LOCATIONS = 3, /* CPython >= 3.11 */
};

/* Payload of R_CODE: this, then file name, qualified name (both UTF-8), line table bytes. */
struct stream_code {
	int32_t first_line;
	uint32_t linetable_kind;
	uint32_t file_bytes;
	uint32_t name_bytes;
	uint32_t linetable_bytes;
	/*
	 * Byte offset of the first instruction at which Python counts a frame as running:
	 * before it (the prologue that makes cells and generators) its own stacks show the
	 * caller. 0: not known.
	 */
	uint32_t first_traced;
};
_Static_assert(sizeof(struct stream_code) == 24, "layout");

/* Payload of R_THREAD, before the name. A slot is used again when its thread is gone. */
struct stream_thread {
	uint32_t tid;
	uint32_t reserved;
};
_Static_assert(sizeof(struct stream_thread) == 8, "layout");

enum mark_origin { MARK_TRACER = 0, MARK_PROGRAM = 1, MARK_OUTSIDE = 2 };

/* Payload of R_MARK, before the name. What could not be read is UINT64_MAX. */
struct stream_mark {
	uint64_t time_ns;   /* since the stream began */
	uint64_t rss_bytes; /* statm */
	uint64_t pss_bytes; /* smaps_rollup, as the next three */
	uint64_t anon_bytes;
	uint64_t swap_bytes;
	uint64_t locked_bytes;
	uint64_t file_bytes;        /* statm: file and shared pages resident */
	uint64_t heap_bytes;        /* mallinfo2.arena: C heap got by brk and mmap'ed arenas */
	uint64_t heap_mapped_bytes; /* .hblkhd */
	uint64_t heap_used_bytes;   /* .uordblks */
	uint64_t heap_free_bytes;   /* .fordblks */
	uint64_t heap_top_bytes;    /* .keepcost */
	uint64_t pause_ns;          /* how long the mark held the thread that made it, so far */
	uint32_t origin;            /* enum mark_origin */
	uint32_t number; /* that the process gave it, from 1; 0: the collector made it */
};
_Static_assert(sizeof(struct stream_mark) == 112, "layout");

/* What resident pages are for; each page is one part's. */
enum resident_part {
	RESIDENT_ARENAS = 0, /* Python's */
	RESIDENT_HEAP,       /* malloc's: grown by brk, and its arenas of 64 MiB */
	RESIDENT_BLOCKS,     /* blocks that malloc maps one by one */
	RESIDENT_MAPPINGS,   /* private memory that the program mapped itself */
	RESIDENT_FILES,      /* programs and libraries with their data, mapped files */
	RESIDENT_SHARED,     /* shared memory without a file of its own */
	RESIDENT_STACKS,
	RESIDENT_TRACER, /* the ring, the library, and its private memory */
	RESIDENT_OTHER,  /* nothing is known of */
	RESIDENT_PARTS,
};

/* Payload of R_RESIDENT: the process from outside, and the heap as its records were by then. */
struct stream_resident {
	uint64_t time_ns;               /* since the stream began */
	uint64_t mark_ns;               /* time_ns of the mark that it belongs to; 0: of none */
	uint64_t rss_bytes;             /* statm, which the kernel keeps by rule of thumb */
	uint64_t parts[RESIDENT_PARTS]; /* resident bytes of each, from smaps */
	uint64_t swap_bytes;
	uint64_t arena_live_bytes;   /* live in pools, as requested */
	uint64_t arena_block_bytes;  /* the same with the bytes that size classes add */
	uint64_t arena_header_bytes; /* of pools with live blocks */
	uint64_t heap_live_bytes;    /* requested of malloc, without RESIDENT_BLOCKS */
	uint64_t block_bytes;        /* requested of malloc, in RESIDENT_BLOCKS */
	uint64_t cost_ns;            /* that it took */
	uint64_t pss_bytes;          /* from smaps: pages shared by n count a part of n */
	/* As struct room has them (collector/room.h); what isn't known is 0. */
	uint64_t cgroup_bytes, cgroup_cache_bytes, cgroup_limit_bytes;
	uint64_t machine_bytes, machine_available_bytes;
};
_Static_assert(sizeof(struct stream_resident) == 200, "layout");

enum {
	STREAM_RESIDENT_SLOTS = (sizeof(struct stream_resident) + STREAM_DATA_BYTES - 1) /
				STREAM_DATA_BYTES,
};

/* In the place of a stack: those that aren't told apart. */
#define STREAM_OTHER_STACKS 0xffffffffu

/* Payload of R_MAPPED: areas of one part that one stack mapped, all together. */
struct stream_mapped {
	uint64_t time_ns;        /* of the struct stream_resident that it belongs to */
	uint64_t bytes;          /* of address space */
	uint64_t resident_bytes; /* of these, counted in that one's parts[part] */
	uint32_t stack;          /* 0: not known, STREAM_OTHER_STACKS: several */
	uint32_t part;           /* enum resident_part */
};
_Static_assert(sizeof(struct stream_mapped) == 32, "layout");

enum {
	STREAM_MAPPED_SLOTS = (sizeof(struct stream_mapped) + STREAM_DATA_BYTES - 1) /
			      STREAM_DATA_BYTES,
};

/*
 * The ring file:
 *
 *	0                   struct ring_header
 *	cancel_offset       cancel_slots of struct cancel_slot
 *	temp_offset         temp_slots of struct temp_slot
 *	slots_offset        capacity of struct record
 *
 * Positions count slots since the start and never wrap; slot i of the ring holds position p
 * where p % capacity == i. Writers reserve by adding to `head` and commit by storing a record's
 * head word last, with the lap of its position; the reader moves `tail`.
 */
enum {
	RING_HEADER_BYTES = 4096,
	RING_MIN_SLOTS = 1 << 12,
	RING_MAX_SLOTS = 1 << 22,
	RING_MAX_SIDE_SLOTS = 1 << 16,
	RING_NAME_BYTES = 128,
	RING_FOLDER_BYTES = 1024,
	RING_PATH_BYTES = 1024,
	RING_FORKS = 64,
	RING_MEMORY_AREAS = 24,
	RING_AREA_PAGES_BITS = 28,
};
#define RING_MAGIC "MEMTRNG1"

enum ring_collector_state {
	COLLECTOR_NONE = 0,
	COLLECTOR_READY = 1,
	COLLECTOR_DRAINED = 2, /* the end was read; the profile is being written */
	COLLECTOR_DONE = 3,    /* the profile has its name */
	COLLECTOR_FAILED = 4,
};

enum ring_program_state {
	PROGRAM_TRACED = 0,
	PROGRAM_INERT = 1, /* gave up: a reader takes what is there and ends */
	PROGRAM_ENDED = 2,
};

/* Bits of ring_header.attention: what the traced process looks at once per event. */
enum ring_attention {
	ATTENTION_MARK = 1 << 0,      /* a request lies in mark_name */
	ATTENTION_NO_STACKS = 1 << 1, /* the self-test failed: stop walking */
	ATTENTION_INERT = 1 << 4,     /* the program's own: it has given up; stays set */
	ATTENTION_AUDIT = 1 << 2,     /* with ATTENTION_MARK: an audit belongs to it */
	ATTENTION_OWED = 1 << 3, /* from the process itself: an audit waits for its event */
};

enum fork_state {
	FORK_UNKNOWN = 0,
	FORK_WAITS = 1, /* the child runs and has had no event yet */
	FORK_RING = 2,  /* it has a ring: OUT.fork.ID is a link to it */
	FORK_GONE = 3,  /* it became another program, or gave up: nothing will come */
};

struct fork_slot {
	_Atomic uint32_t id; /* of the fork it is about; written last */
	uint32_t pid;
	_Atomic uint32_t state; /* enum fork_state */
	uint32_t reserved;
};

struct ring_header {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes;
	uint64_t file_bytes;
	uint64_t capacity; /* slots, a power of two */
	uint32_t cancel_offset, cancel_slots;
	uint32_t temp_offset, temp_slots;
	uint64_t slots_offset;
	uint32_t pid, uid;
	uint64_t process_start; /* field 22 of /proc/PID/stat: tells a pid used again */
	uint64_t run_id;        /* random */
	uint64_t start_real_ns; /* CLOCK_REALTIME and CLOCK_MONOTONIC as the stream began */
	uint64_t start_mono_ns;

	/* Written by the program's threads. */
	_Alignas(128) _Atomic uint64_t head;
	_Atomic uint64_t waited_ns;      /* spent waiting for a full ring */
	_Atomic uint64_t dropped_events; /* not recorded: signal handlers, pauses, inert */
	_Atomic uint32_t program_state;  /* enum ring_program_state */
	_Atomic uint32_t mark_taken;     /* the mark_request that was carried out last */

	/* Written by the collector. */
	_Alignas(128) _Atomic uint64_t tail;
	_Atomic uint64_t
		heartbeat; /* grows while the collector lives, 10 times a second or more */
	_Atomic uint32_t collector_state; /* enum ring_collector_state; a futex word */
	_Atomic uint32_t collector_pid;   /* by the program too, which starts it */

	/* Written by the collector and by `memtrace mark`; read at each event. */
	_Alignas(128) _Atomic uint32_t attention;
	_Atomic uint32_t mark_request; /* a counter; raised after mark_name is filled */
	char mark_name[RING_NAME_BYTES];

	/*
	 * Filled in by children of this process, which have it mapped until they have a ring of
	 * their own; fork n uses slot n % RING_FORKS.
	 */
	struct fork_slot forks[RING_FORKS];

	/*
	 * This process: the number of the fork that made it, 0 for none, and its profile's
	 * path.
	 */
	uint64_t fork_id;
	char out[RING_PATH_BYTES];
	/*
	 * Where a relative file pattern begins, for the whole tree of processes;
	 * NUL-terminated.
	 */
	char folder[RING_FOLDER_BYTES];
	uint64_t parent_run_id; /* of the process that forked this one; 0: none did */
	/* By a child that can't have a ring: it has said so, and others needn't. */
	_Atomic uint32_t children_told;
	/*
	 * Numbers of marks: the program waits before it goes on until the collector has seen
	 * where its memory is; and the last one for which it has.
	 */
	_Atomic uint32_t look_wanted, looked;
	/* A profile of the run so far is asked for, and was made last: collector/live.h. */
	_Atomic uint32_t profile_request;
	_Atomic uint32_t profile_made;
	uint32_t reserved;
	/*
	 * The largest areas of private memory that the library has for itself, so that they
	 * aren't taken for the program's: of each the number of its first 4 KiB page <<
	 * RING_AREA_PAGES_BITS, and how many pages it has; 0: none.
	 */
	_Atomic uint64_t memory_areas[RING_MEMORY_AREAS];
};
_Static_assert(sizeof(struct ring_header) <= RING_HEADER_BYTES, "fits its page");
_Static_assert(offsetof(struct ring_header, head) % 128 == 0, "own cache lines");

/*
 * One waiting allocation: the record that it will be, or head == 0. A reader that finds the
 * program dead takes every filled slot as live whose address it does not know already; a lock
 * that is held then says only that its thread died in there.
 */
struct cancel_slot {
	struct record record;
	_Atomic uint32_t lock;
	uint32_t reserved[3];
};
_Static_assert(sizeof(struct cancel_slot) == 32, "two to a cache line");

/* Cancelled pairs of one stack not yet sent as R_TEMP. */
struct temp_slot {
	_Atomic uint32_t lock;
	uint32_t stack;
	uint64_t pairs;
	uint64_t bytes;
	uint32_t freer; /* the freeing stack; 0: not known, or not asked for */
	uint32_t flags; /* enum free_flags */
};
_Static_assert(sizeof(struct temp_slot) == 32, "two to a cache line");

static inline uint64_t record_head(enum record_kind kind, uint64_t a)
{
	return (a & 0xffffffffffffULL) | (uint64_t)kind << 48;
}

static inline enum record_kind record_kind(const struct record *r)
{
	return (enum record_kind)(r->head >> 48 & 0x3f);
}

static inline uint64_t record_a(const struct record *r)
{
	return r->head & 0xffffffffffffULL;
}

static inline uint32_t record_low(const struct record *r)
{
	return (uint32_t)r->body;
}

static inline uint32_t record_high(const struct record *r)
{
	return (uint32_t)(r->body >> 32);
}

/* The lap that a record at this position carries: 1..1023, never 0. */
static inline uint64_t record_lap(uint64_t position, uint64_t capacity)
{
	return position / capacity % STREAM_LAPS + 1;
}

#endif

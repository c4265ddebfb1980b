/*
 * profile.h - the layout of a profile, the file that a run leaves.
 *
 *	0                     struct profile_header
 *	header.table_offset   header.section_count of struct profile_section
 *	section.offset        a zstd frame with content checksum, section.stored_bytes long
 *
 * All numbers are little-endian, all structs are packed by hand (no padding the compiler
 * chose). A section's content is an array of items of section.item_bytes; a reader that knows
 * a shorter item skips its end, one that knows a longer item takes the rest as zero. Unknown
 * tags are skipped, missing ones mean "not known". A damaged section costs that section only.
 * Text is in STRS, referred to by byte offset; offset 0 is the empty text.
 */
#ifndef MEMTRACE_PROFILE_H
#define MEMTRACE_PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "../preload/stream.h"

#define PROFILE_MAGIC "MEMTPRF1"

/*
 * What a writer keeps to and a reader insists on, so that a small hostile file can't ask for
 * memory without bounds.
 */
enum {
	PROFILE_VERSION = 1,
	PROFILE_MAX_SECTIONS = 256,
	PROFILE_MAX_ITEM_BYTES = 4096,
	/* log2 of the zstd window: what a reader has to hold while it decompresses. */
	PROFILE_WINDOW_LOG = 23,
	PROFILE_MAX_DIFFERENCES = 256,
	/* Stacks that are named of one arena at a mark: those with most blocks. */
	PROFILE_MARK_HOLDERS = 8,
	/* Of struct profile_lifetime. */
	PROFILE_AGES = 16,
	/* Raw bytes to stored ones: a zstd block makes at most 128 KiB out of four bytes. */
	PROFILE_MAX_RATIO = 1 << 15,
};
/* Raw bytes of one section. */
#define PROFILE_MAX_SECTION_BYTES (1ULL << 30)
/* In the place of a mark's number: the time when the program had most arenas. */
#define PROFILE_PEAK 0xffffffffu
/* In the place of a freeing stack: those for which there was no room (frees.h). */
#define PROFILE_OTHER_STACKS 0xffffffffu

struct profile_header {
	char magic[8];
	uint32_t version;
	uint32_t section_count;
	uint64_t table_offset;
	uint64_t file_bytes;
	uint64_t checksum; /* FNV-1a 64 over header (this field 0) and section table */
	uint64_t reserved[3];
};
_Static_assert(sizeof(struct profile_header) == 64, "layout");

struct profile_section {
	char tag[4];
	uint32_t item_bytes;
	uint64_t offset;
	uint64_t stored_bytes;
	uint64_t raw_bytes;
};
_Static_assert(sizeof(struct profile_section) == 32, "layout");

/* What header.checksum has to be; `table` has header->section_count entries. */
uint64_t profile_checksum(const struct profile_header *header,
			  const struct profile_section *table);

/*
 * tag   item
 * INFO  bytes: key NUL value NUL ... (facts of the run, from R_INFO and the collector)
 * STRS  bytes: NUL-terminated UTF-8
 * LTAB  bytes: line tables, one after the other
 * RUN_  struct profile_run, one
 * CODE  struct profile_code; item i is code id STREAM_CODE_FIRST + i
 * NODE  struct profile_node; item i is stack id i + 1
 * THRD  struct profile_thread
 * SITE  struct profile_site, ascending by stack
 * MARK  struct profile_mark
 * CHNG  struct profile_change, all marks' one after the other
 * WIND  struct profile_window
 * PNTS  struct profile_point, in order of time
 * PCHG  struct profile_point_change, all points' one after the other
 * RSET  struct stream_resident, in order of time: where the resident set was (residents.h)
 * RMAP  struct stream_mapped, in order of time, then most resident first: who mapped what of it
 * ARNA  struct profile_arena, ascending by address
 * POOL  struct profile_pool, ascending by address, those with live blocks
 * PINS  struct profile_pin, ascending by arena, then by stack: who holds which arena
 * MAPS  struct profile_mapping, ascending by address
 * FREE  struct profile_freed, ascending by stack, then by the freeing stack: of a run with the
 *       fact frees=1
 * LIFE  struct profile_lifetime, ascending by stack, those with live blocks or old ones
 * AMRK  struct profile_arena_mark, ascending by mark, then by address: at a mark those arenas
 *       that changed since the mark before it, came or went; at PROFILE_PEAK all
 * HOLD  struct profile_holder, those of all items of AMRK one after the other
 * MCLS  struct profile_mark_class, ascending by mark, then by class: classes with pools in use
 * AUDT  struct profile_audit, ascending by mark
 * AUDD  struct profile_audit_difference, the first PROFILE_MAX_DIFFERENCES of all audits
 * Live blocks (of pools and of malloc; mappings have their own section), ascending by address
 * as the program knows it, in columns of equal length:
 * BLKA  LEB128 bytes: address / 8 less the one before it (the first: address / 8)
 * BLKZ  LEB128 bytes: requested bytes
 * BLKS  u32: stack
 * BLKW  u16: birth window (bits 0-13), domain (bits 14-15, enum block_domain)
 *
 * What is live, in the run's figures (live, domain, arena_bytes, arena_count, block_count), in
 * SITE (live) and in ARNA, POOL, MAPS, LIFE and BLK*, is as of one moment: with PROFILE_AT_END
 * the last `end` that the tracer itself marked, else the last record of the stream. With a
 * finalising interpreter the stream goes on after `end`, and its teardown frees nearly
 * everything: that is in everything that counts (total, freed, temporary, allocations, frees,
 * peak, WIND, PNTS, the most arenas), which is of the whole stream. So total less freed of a
 * site is what the last record left, not its live figures, unless nothing came after `end`.
 */
struct profile_run {
	uint64_t run_id;
	uint64_t process_start;
	uint64_t start_real_ns;
	uint32_t pid, uid;
	uint32_t end;   /* enum profile_end */
	uint32_t flags; /* enum profile_run_flags */
	int64_t end_status;
	uint64_t duration_ms;
	uint64_t live_bytes, live_blocks;
	uint64_t peak_bytes, peak_blocks, peak_ms, peak_slack_bytes;
	uint64_t domain_bytes[4], domain_blocks[4]; /* live, by enum block_domain */
	uint64_t arena_bytes, arena_count, most_arenas;
	uint64_t records, allocations, frees, cancelled_pairs;
	uint64_t unknown_frees, replaced, misplaced, lost_slots, bad_records;
	uint64_t dropped_events, waited_ns;
	uint64_t checks, checks_differing;
	uint64_t collections[3], collected[3];
	uint64_t block_count;         /* length of the BLK columns */
	uint64_t crash_safe_until_ms; /* UINT64_MAX: all along */
	uint32_t pool_bytes;
	uint32_t merged_marks; /* given up for later ones: see marks.h */
	/*
	 * The program's own collections, by generation: those until the interpreter finalised.
	 * How long they took is known of timed_collections of them.
	 */
	uint64_t program_collections[3], program_collected[3];
	uint64_t garbage_bytes[3], garbage_blocks[3];
	uint64_t collecting_ns[3], longest_collecting_ns[3];
	uint64_t timed_collections[3]; /* of the program's own, those whose time is known */
};
_Static_assert(sizeof(struct profile_run) == 536, "layout");

/*
 * profile_run.end: how the process ended, as far as its stream knows; the values of enum
 * heap_end.
 */
enum profile_end {
	PROFILE_RUNNING = 0,
	PROFILE_EXIT = 1,
	PROFILE_UNDERSCORE_EXIT = 2,
	PROFILE_ABORT = 3,
	PROFILE_EXEC = 4,
	PROFILE_DIED = 5,
};

enum profile_run_flags {
	PROFILE_CONSERVED = 1 << 0, /* heap_check held */
	PROFILE_REPLAYED = 1 << 1, /* written from a journal, not by the collector of the run */
	PROFILE_AT_END = 1 << 2, /* what is live is told as of `end`, see struct profile_run */
	PROFILE_SO_FAR = 1 << 3, /* of a run that goes on: live.h */
};

struct profile_code {
	uint32_t file, name; /* into STRS */
	int32_t first_line;
	uint32_t linetable_kind;
	uint64_t linetable_offset; /* into LTAB */
	uint32_t linetable_bytes;
	uint32_t first_traced; /* as in struct stream_code; 0: not known */
};
_Static_assert(sizeof(struct profile_code) == 32, "layout");

struct profile_node {
	uint32_t parent;
	uint32_t code;
	int32_t instr;
};
_Static_assert(sizeof(struct profile_node) == 12, "layout");

struct profile_thread {
	uint32_t slot, tid, count, name;
};
_Static_assert(sizeof(struct profile_thread) == 16, "layout");

struct profile_site {
	uint32_t stack, reserved;
	uint64_t live_bytes, live_blocks;
	uint64_t total_bytes, total_blocks;
	uint64_t freed_bytes, freed_blocks;
	uint64_t temporary_bytes, temporary_blocks;
	uint64_t gc_freed_bytes, gc_freed_blocks;
	uint64_t peak_bytes, peak_blocks;
};
_Static_assert(sizeof(struct profile_site) == 104, "layout");

/*
 * Blocks by age: k is from 2^k seconds on, since the beginning of the window of their birth
 * (lifetimes.h).
 */
struct profile_lifetime {
	uint32_t stack, reserved;
	uint64_t freed_blocks;        /* all, also those freed in the window of their birth */
	uint32_t freed[PROFILE_AGES]; /* in another one */
	uint32_t live[PROFILE_AGES];
};
_Static_assert(sizeof(struct profile_lifetime) == 144, "layout");

struct profile_mark {
	struct stream_mark figures;
	uint32_t name;
	uint32_t base; /* the name as it was given: the same in NAME, NAME#2, ... */
	uint64_t live_bytes, live_blocks;
	uint64_t arena_bytes, arena_count;
	uint64_t rolled; /* marks of that name that this one stands for besides itself */
	uint64_t change_start, change_count; /* into CHNG */
};
_Static_assert(sizeof(struct profile_mark) == 176, "layout");

struct profile_change {
	uint32_t stack, reserved;
	uint64_t live_bytes, live_blocks;
};
_Static_assert(sizeof(struct profile_change) == 24, "layout");

struct profile_window {
	uint64_t start_ms, rss_bytes, live_bytes, live_blocks, arena_bytes;
};
_Static_assert(sizeof(struct profile_window) == 40, "layout");

/* The run at one time, at most some 128 of them: course.h. */
struct profile_point {
	uint64_t time_ms;   /* since start */
	uint64_t rss_bytes; /* 0: unknown */
	uint64_t live_bytes, live_blocks;
	uint64_t arena_bytes;
	uint64_t allocations;                /* so far */
	uint64_t collections[3];             /* so far, by generation */
	uint64_t change_start, change_count; /* into PCHG */
};
_Static_assert(sizeof(struct profile_point) == 88, "layout");

/* A stack's figures at a point, where they are others than at the point before. */
struct profile_point_change {
	uint32_t stack, reserved;
	uint64_t live_bytes, live_blocks;
	uint64_t total_blocks; /* ever allocated */
};
_Static_assert(sizeof(struct profile_point_change) == 32, "layout");

struct profile_arena {
	uint64_t address, bytes, live_bytes;
	uint32_t live_blocks, stack, window, reserved;
};
_Static_assert(sizeof(struct profile_arena) == 40, "layout");

struct profile_pool {
	uint64_t address;
	uint32_t class; /* 1 + size class index */
	uint32_t live_blocks;
};
_Static_assert(sizeof(struct profile_pool) == 16, "layout");

/* The live blocks of one stack in one arena. */
struct profile_pin {
	uint32_t arena; /* into ARNA */
	uint32_t stack;
	uint32_t blocks;
	uint32_t block_bytes;    /* with the bytes that their size class adds */
	uint32_t bytes;          /* requested */
	uint16_t oldest, newest; /* birth windows */
};
_Static_assert(sizeof(struct profile_pin) == 24, "layout");

/* An arena at a mark. */
struct profile_arena_mark {
	uint64_t address;
	uint64_t bytes;       /* 0: it is gone since the mark before, and the rest is 0 */
	uint64_t live_bytes;  /* requested */
	uint64_t block_bytes; /* with the bytes that size classes add */
	uint32_t mark;        /* into MARK, or PROFILE_PEAK */
	uint32_t live_blocks;
	uint32_t pools;                      /* with live blocks */
	uint32_t holder_start, holder_count; /* into HOLD; PROFILE_MARK_HOLDERS at most */
	uint32_t other_stacks;               /* that hold it besides those */
};
_Static_assert(sizeof(struct profile_arena_mark) == 56, "layout");

/* As struct profile_pin, most blocks first. */
struct profile_holder {
	uint32_t stack;
	uint32_t blocks;
	uint32_t block_bytes;
	uint16_t oldest, newest;
};
_Static_assert(sizeof(struct profile_holder) == 16, "layout");

struct profile_mark_class {
	uint32_t mark;  /* into MARK, or PROFILE_PEAK */
	uint32_t class; /* 1 + size class index */
	uint32_t pools; /* with live blocks */
	uint32_t blocks;
};
_Static_assert(sizeof(struct profile_mark_class) == 16, "layout");

/*
 * The map compared with the interpreter's own pool headers: all interpreters' that were read
 * for one mark.
 */
struct profile_audit {
	uint32_t mark; /* into MARK; PROFILE_PEAK where that mark gave way to later ones */
	uint32_t interpreters;
	uint64_t arenas, differing_arenas;
	uint64_t pools, differing_pools;
	uint64_t blocks; /* live in either */
	uint64_t differing_blocks;
	uint64_t pause_ns; /* that the program waited, all together */
	uint64_t time_ms;
};
_Static_assert(sizeof(struct profile_audit) == 72, "layout");

/* A pool in which the two differ. */
struct profile_audit_difference {
	uint64_t arena, pool;             /* addresses */
	uint32_t audit;                   /* into AUDT */
	uint16_t map_class, header_class; /* 0: no live blocks */
	uint32_t map_blocks, header_blocks;
	uint32_t differing_blocks;
	uint32_t reserved;
};
_Static_assert(sizeof(struct profile_audit_difference) == 40, "layout");

/*
 * What one stack freed of another's blocks until the interpreter finalised, pairs that were
 * cancelled included. All of a stack add up to what it freed until then.
 */
struct profile_freed {
	uint32_t stack; /* allocated */
	uint32_t by;    /* freed; 0: not known, PROFILE_OTHER_STACKS: stacks not told apart */
	uint64_t blocks, bytes;
	uint64_t gc_blocks, gc_bytes;       /* of these, inside a cyclic collection */
	uint64_t moved_blocks, moved_bytes; /* ... and by a realloc */
};
_Static_assert(sizeof(struct profile_freed) == 56, "layout");

struct profile_mapping {
	uint64_t address, bytes;
	uint32_t stack, window;
	uint32_t anonymous, reserved;
};
_Static_assert(sizeof(struct profile_mapping) == 32, "layout");

#endif

/*
 * pieces.h - what parts of an address space are for, as far as the tracer was told.
 *
 * Memory: pieces_release.
 */
#ifndef MEMTRACE_PIECES_H
#define MEMTRACE_PIECES_H

#include "heap.h"
#include "smaps.h"

struct piece {
	uint64_t address, end;
	uint64_t block_bytes; /* requested, of RESIDENT_BLOCKS */
	enum resident_part part;
	uint32_t stack; /* that mapped it; 0: not known */
};

struct pieces {
	struct piece *items; /* ascending by address; may overlap */
	size_t count, capacity;
};

/* Everything that lies in areas without a name. `ring`: NULL, none is known. */
void pieces_find(const struct heap *heap, const struct ring_header *ring,
		 const struct smaps *smaps, pid_t pid, struct pieces *ret_pieces);
void pieces_release(struct pieces *pieces);
/* The index of the first piece that ends behind the address, from `from` on. */
size_t pieces_seek(const struct pieces *pieces, size_t from, uint64_t address);

#endif

#include "intern.h"

#include <string.h>

#include "memory.h"
#include "ring.h"
#include "spin.h"

/*
 * One kind of table serves three times: a 96-bit key, a 32-bit value that is never 0. Entries
 * are small, four to a cache line, for there are hundreds of thousands of nodes in a large
 * program and their memory is the program's. Linear probing, at most two thirds full; a removed
 * entry keeps its place.
 */
struct key {
	uint64_t key;
	uint32_t more;
};

struct entry {
	uint64_t key;
	uint32_t more;
	uint32_t value;
};

struct table {
	struct entry *entries;
	size_t capacity; /* a power of two */
	size_t used;     /* removed ones included */
};

enum { FIRST_ENTRIES = 4096 };
#define REMOVED UINT32_MAX
#define MOST_CODES (UINT32_MAX >> CODE_TRAITS_BITS)

static struct table codes_by_address; /* their number and traits */
static struct table codes_by_content;
static struct table nodes;
static uint32_t code_count;
static uint32_t node_count;
static _Atomic uint32_t lock;

_Atomic uint8_t intern_code_bits[1 << 13];
_Atomic uint32_t intern_epoch_count;

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t hash = (a ^ b >> 29) * 0x9e3779b97f4a7c15ULL;

	hash = (hash ^ hash >> 32 ^ b) * 0xd6e8feb86659fd93ULL;
	return hash ^ hash >> 32;
}

static struct entry *probe(const struct table *table, struct key key)
{
	size_t mask = table->capacity - 1;
	size_t at = mix(key.key, key.more) & mask;

	while (table->entries[at].value &&
	       (table->entries[at].key != key.key || table->entries[at].more != key.more))
		at = (at + 1) & mask;
	return &table->entries[at];
}

/* NULL: it isn't there, or not any more. */
static struct entry *find(const struct table *table, struct key key)
{
	struct entry *entry = table->capacity ? probe(table, key) : NULL;

	return entry && entry->value && entry->value != REMOVED ? entry : NULL;
}

static void put_into(struct table *table, struct key key, uint32_t value)
{
	struct entry *entry = probe(table, key);

	if (!entry->value)
		table->used++;
	*entry = (struct entry){.key = key.key, .more = key.more, .value = value};
}

static bool make_room(struct table *table)
{
	struct table bigger = {.capacity = table->capacity ? 2 * table->capacity
							   : FIRST_ENTRIES};

	if (3 * (table->used + 1) <= 2 * table->capacity)
		return true;
	bigger.entries = memory_get(bigger.capacity * sizeof(struct entry));
	if (!bigger.entries)
		return false;
	for (size_t i = 0; i < table->capacity; i++) {
		const struct entry *entry = &table->entries[i];

		if (entry->value && entry->value != REMOVED)
			put_into(&bigger, (struct key){entry->key, entry->more}, entry->value);
	}
	if (table->entries)
		memory_drop(table->entries, table->capacity * sizeof(struct entry));
	ring_tell_memory();
	*table = bigger;
	return true;
}

static struct key address_key(const void *address)
{
	return (struct key){.key = (uint64_t)(uintptr_t)address};
}

uint32_t intern_find_code(const void *address, enum code_traits *ret_traits)
{
	uint32_t id = 0;

	spin_lock(&lock);
	const struct entry *entry = find(&codes_by_address, address_key(address));

	if (entry) {
		id = entry->value >> CODE_TRAITS_BITS;
		*ret_traits = entry->value & ((1u << CODE_TRAITS_BITS) - 1);
	}
	spin_unlock(&lock);
	return id;
}

/* Two hashes over all that the definition says: 96 bits. */
static struct key content_key(const struct code_text *text)
{
	uint64_t fnv = 0xcbf29ce484222325ULL, mixed = 0x84222325cbf29ce4ULL;
	const struct {
		const void *bytes;
		size_t len;
	} parts[] = {
		{&text->first_line, sizeof(text->first_line)},
		{&text->first_traced, sizeof(text->first_traced)},
		{&text->file_bytes, sizeof(text->file_bytes)},
		{text->file, text->file_bytes},
		{text->name, text->name_bytes},
		{text->linetable, text->linetable_bytes},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t at = 0; at < parts[i].len; at++) {
			uint8_t byte = ((const uint8_t *)parts[i].bytes)[at];

			fnv = (fnv ^ byte) * 0x100000001b3ULL;
			mixed = mix(mixed + byte, i);
		}
	return (struct key){.key = mixed, .more = (uint32_t)(fnv ^ fnv >> 32)};
}

static bool define_code(uint32_t id, const struct code_text *text)
{
	struct stream_code code = {
		.first_line = text->first_line,
		.linetable_kind = text->linetable_kind,
		.file_bytes = (uint32_t)text->file_bytes,
		.name_bytes = (uint32_t)text->name_bytes,
		.linetable_bytes = (uint32_t)text->linetable_bytes,
		.first_traced = text->first_traced,
	};
	size_t len = sizeof(code) + text->file_bytes + text->name_bytes + text->linetable_bytes;
	char *bytes = memory_get(len);

	if (!bytes)
		return false;
	char *at = bytes;

	memcpy(at, &code, sizeof(code));
	memcpy(at += sizeof(code), text->file, text->file_bytes);
	memcpy(at += text->file_bytes, text->name, text->name_bytes);
	memcpy(at + text->name_bytes, text->linetable, text->linetable_bytes);
	ring_put_text(R_CODE, id, bytes, len);
	memory_drop(bytes, len);
	return true;
}

/* The lock is held. 0: there is no memory, or no number left. */
static uint32_t number_code(const struct code_text *text)
{
	const struct key key = content_key(text);
	const struct entry *known = find(&codes_by_content, key);
	const uint32_t id = STREAM_CODE_FIRST + code_count;

	if (known)
		return known->value;
	if (id >= MOST_CODES || !make_room(&codes_by_content) || !define_code(id, text))
		return 0;
	code_count++;
	put_into(&codes_by_content, key, id);
	return id;
}

uint32_t intern_add_code(const void *address, const struct code_text *text,
			 enum code_traits traits)
{
	uint8_t mask;
	uint32_t id = 0;

	spin_lock(&lock);
	if (make_room(&codes_by_address) && (id = number_code(text))) {
		put_into(&codes_by_address, address_key(address),
			 id << CODE_TRAITS_BITS | traits);
		/* Before any free of this address can be: it is executing. */
		_Atomic uint8_t *byte = intern_code_bit(address, &mask);

		atomic_fetch_or_explicit(byte, mask, memory_order_relaxed);
	}
	spin_unlock(&lock);
	return id;
}

void intern_forget_known(const void *address)
{
	spin_lock(&lock);
	struct entry *entry = find(&codes_by_address, address_key(address));

	if (entry) {
		entry->value = REMOVED;
		/*
		 * Release: the address can be given out again only after the free that we are
		 * in.
		 */
		atomic_fetch_add_explicit(&intern_epoch_count, 1, memory_order_release);
	}
	spin_unlock(&lock);
}

uint32_t intern_node(uint32_t parent, uint32_t code, int32_t instr, bool *ret_new)
{
	const struct key key = {parent | (uint64_t)code << 32, (uint32_t)instr};
	uint32_t id = 0;

	*ret_new = false;
	spin_lock(&lock);
	const struct entry *entry = find(&nodes, key);

	if (entry) {
		id = entry->value;
	} else if (make_room(&nodes)) {
		char data[STREAM_DATA_BYTES] = {0};

		id = ++node_count;
		memcpy(data, &instr, sizeof(instr));
		ring_put_with(record_head(R_NODE, id), key.key, data);
		put_into(&nodes, key, id);
		*ret_new = true;
	}
	spin_unlock(&lock);
	return id;
}

void intern_lock(void)
{
	spin_lock(&lock);
}

void intern_unlock(void)
{
	spin_unlock(&lock);
}

void intern_put_text(enum record_kind kind, uint32_t id, const void *bytes, size_t len)
{
	spin_lock(&lock);
	ring_put_text(kind, id, bytes, len);
	spin_unlock(&lock);
}

uint32_t intern_put_mark(struct stream_mark *mark, size_t len)
{
	static uint32_t marks;

	spin_lock(&lock);
	mark->number = ++marks;
	ring_put_text(R_MARK, 0, mark, len);
	spin_unlock(&lock);
	return mark->number;
}

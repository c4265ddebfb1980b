#include "intern.h"

#include <string.h>

#include "memory.h"
#include "ring.h"
#include "spin.h"

/*
 * One kind of table serves three times: a 128-bit key (key[0] is never 0), a 32-bit value.
 * Linear probing, at most half full; a removed entry keeps its place with a value of 0.
 */
struct entry {
	uint64_t key[2];
	uint32_t value;
	uint32_t traits;
};

struct table {
	struct entry *entries;
	size_t capacity; /* a power of two */
	size_t used;     /* removed ones included */
};

enum { FIRST_ENTRIES = 4096 };

static struct table codes_by_address;
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

static struct entry *probe(const struct table *table, const uint64_t key[2])
{
	size_t mask = table->capacity - 1;
	size_t at = mix(key[0], key[1]) & mask;

	while (table->entries[at].key[0] &&
	       (table->entries[at].key[0] != key[0] || table->entries[at].key[1] != key[1]))
		at = (at + 1) & mask;
	return &table->entries[at];
}

static struct entry *find(const struct table *table, const uint64_t key[2])
{
	struct entry *entry = table->capacity ? probe(table, key) : NULL;

	return entry && entry->key[0] ? entry : NULL;
}

static bool make_room(struct table *table)
{
	struct table bigger = {.capacity = table->capacity ? 2 * table->capacity
							   : FIRST_ENTRIES};

	if (2 * (table->used + 1) <= table->capacity)
		return true;
	bigger.entries = memory_get(bigger.capacity * sizeof(struct entry));
	if (!bigger.entries)
		return false;
	for (size_t i = 0; i < table->capacity; i++)
		if (table->entries[i].value) {
			*probe(&bigger, table->entries[i].key) = table->entries[i];
			bigger.used++;
		}
	if (table->entries)
		memory_drop(table->entries, table->capacity * sizeof(struct entry));
	*table = bigger;
	return true;
}

/* The caller has made room. */
static void put(struct table *table, const uint64_t key[2], uint32_t value, uint32_t traits)
{
	struct entry *entry = probe(table, key);

	if (!entry->key[0])
		table->used++;
	*entry = (struct entry){.key = {key[0], key[1]}, .value = value, .traits = traits};
}

static void address_key(const void *address, uint64_t key[2])
{
	key[0] = (uint64_t)(uintptr_t)address;
	key[1] = 0;
}

uint32_t intern_find_code(const void *address, enum code_traits *ret_traits)
{
	uint64_t key[2];
	uint32_t id = 0;

	address_key(address, key);
	spin_lock(&lock);
	const struct entry *entry = find(&codes_by_address, key);

	if (entry && entry->value) {
		id = entry->value;
		*ret_traits = entry->traits;
	}
	spin_unlock(&lock);
	return id;
}

/* FNV-1a over all that the definition says, twice with different beginnings: 128 bits. */
static void content_key(const struct code_text *text, uint64_t key[2])
{
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

	key[0] = 0xcbf29ce484222325ULL;
	key[1] = 0x84222325cbf29ce4ULL;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t at = 0; at < parts[i].len; at++) {
			uint8_t byte = ((const uint8_t *)parts[i].bytes)[at];

			key[0] = (key[0] ^ byte) * 0x100000001b3ULL;
			key[1] = mix(key[1] + byte, i);
		}
	key[0] |= 1;
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

/* The lock is held. */
static uint32_t number_code(const struct code_text *text, enum code_traits traits)
{
	uint64_t key[2];

	content_key(text, key);
	const struct entry *known = find(&codes_by_content, key);

	if (known)
		return known->value;
	if (!make_room(&codes_by_content))
		return 0;
	uint32_t id = STREAM_CODE_FIRST + code_count;

	if (!define_code(id, text))
		return 0;
	code_count++;
	put(&codes_by_content, key, id, traits);
	return id;
}

uint32_t intern_add_code(const void *address, const struct code_text *text,
			 enum code_traits traits)
{
	uint64_t key[2];
	uint8_t mask;
	uint32_t id = 0;

	address_key(address, key);
	spin_lock(&lock);
	if (make_room(&codes_by_address) && (id = number_code(text, traits))) {
		put(&codes_by_address, key, id, traits);
		/* Before any free of this address can be: it is executing. */
		_Atomic uint8_t *byte = intern_code_bit(address, &mask);

		atomic_fetch_or_explicit(byte, mask, memory_order_relaxed);
	}
	spin_unlock(&lock);
	return id;
}

void intern_forget_known(const void *address)
{
	uint64_t key[2];

	address_key(address, key);
	spin_lock(&lock);
	struct entry *entry = find(&codes_by_address, key);

	if (entry && entry->value) {
		entry->value = 0;
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
	/* Parent and code fill one word; 1 + bit 63 keeps the first word from being 0. */
	uint64_t key[2] = {(uint64_t)(uint32_t)instr | (uint64_t)1 << 63,
			   parent | (uint64_t)code << 32};
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
		ring_put_with(record_head(R_NODE, id), key[1], data);
		put(&nodes, key, id, 0);
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

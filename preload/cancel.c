#include "cancel.h"

#include <string.h>

#include "ring.h"
#include "spin.h"

bool cancel_on = true;
bool cancel_plain = true;

/* Blocks are 16 apart; the multiplication spreads pools and arenas over the table. */
static struct cancel_slot *slot_of(uint64_t address)
{
	uint64_t hash = (address >> 4) * 0x9e3779b97f4a7c15ULL;

	return &ring.cancel[hash >> 54 & (RING_CANCEL_SLOTS - 1)];
}

static uint32_t record_bytes(const struct record *record)
{
	enum record_kind kind = record_kind(record);

	return kind == R_SMALL_MEM || kind == R_SMALL_OBJECT ? record_high(record) & 0xffff
							     : record_high(record);
}

static void empty(struct cancel_slot *slot)
{
	__atomic_store_n(&slot->record.head, 0, __ATOMIC_RELEASE);
}

/*
 * Whether the allocation at the address may still be here. Whoever asks is about to free it, so
 * it can't come now; and if it went, its record was committed before the slot was changed.
 * Acquire: pairs with the release of whoever did, so what the caller records comes after.
 */
static inline bool may_wait(const struct cancel_slot *slot, uint64_t address)
{
	struct record record = {__atomic_load_n(&slot->record.head, __ATOMIC_ACQUIRE), 0};

	return record_a(&record) == address;
}

/* Readers of a dead process look at the head word: it is written last, and cleared first. */
static void fill(struct cancel_slot *slot, struct record record)
{
	empty(slot);
	__atomic_store_n(&slot->record.body, record.body, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->record.head, record.head, __ATOMIC_RELEASE);
}

void cancel_put(struct record record)
{
	struct cancel_slot *slot = slot_of(record_a(&record));

	if (!spin_try(&slot->lock)) {
		ring_put(record.head, record.body);
		return;
	}
	if (slot->record.head)
		ring_put(slot->record.head, slot->record.body);
	fill(slot, record);
	spin_unlock(&slot->lock);
}

static void send_pairs(struct temp_slot *slot)
{
	if (slot->pairs)
		ring_put(record_head(R_TEMP, slot->stack), slot->bytes | slot->pairs << 40);
	slot->pairs = 0;
	slot->bytes = 0;
}

/* R_TEMP has 24 bits for pairs and 40 for bytes. */
static bool is_full(const struct temp_slot *slot)
{
	return slot->pairs == 0xffffff || slot->bytes > (uint64_t)0xff << 32;
}

static void send_pairs_by(struct temp_slot *slot)
{
	char data[STREAM_DATA_BYTES] = {0};

	if (!slot->pairs)
		return;
	memcpy(data, &slot->freer, sizeof(slot->freer));
	memcpy(data + sizeof(slot->freer), &slot->flags, sizeof(slot->flags));
	ring_put_with(record_head(R_TEMP_BY, slot->stack), slot->bytes | slot->pairs << 40,
		      data);
	slot->pairs = 0;
	slot->bytes = 0;
}

static struct temp_slot *slot_of_pair(uint32_t stack, struct freer by)
{
	uint64_t hash = (stack | (uint64_t)(by.stack ^ by.flags << 24) << 32) *
			0x9e3779b97f4a7c15ULL;

	return &ring.temp[hash >> 48 & (RING_TEMP_SLOTS - 1)];
}

static bool is_pair_of(const struct temp_slot *slot, uint32_t stack, struct freer by)
{
	return slot->stack == stack && slot->freer == by.stack && slot->flags == by.flags;
}

static void count_pair_by(uint32_t stack, uint32_t bytes, struct freer by)
{
	struct temp_slot *slot = slot_of_pair(stack, by);

	spin_lock(&slot->lock);
	if (!is_pair_of(slot, stack, by) || is_full(slot))
		send_pairs_by(slot);
	slot->stack = stack;
	slot->freer = by.stack;
	slot->flags = by.flags;
	slot->pairs++;
	slot->bytes += bytes;
	spin_unlock(&slot->lock);
}

static void uncount_pair_by(uint32_t stack, uint32_t bytes, struct freer by)
{
	struct temp_slot *slot = slot_of_pair(stack, by);

	spin_lock(&slot->lock);
	if (is_pair_of(slot, stack, by) && slot->pairs) {
		slot->pairs--;
		slot->bytes -= bytes;
	}
	spin_unlock(&slot->lock);
}

static void count_pair(uint32_t stack, uint32_t bytes)
{
	struct temp_slot *slot = &ring.temp[stack & (RING_TEMP_SLOTS - 1)];

	spin_lock(&slot->lock);
	if (slot->stack != stack || is_full(slot))
		send_pairs(slot);
	slot->stack = stack;
	slot->pairs++;
	slot->bytes += bytes;
	spin_unlock(&slot->lock);
}

static void uncount_pair(uint32_t stack, uint32_t bytes)
{
	struct temp_slot *slot = &ring.temp[stack & (RING_TEMP_SLOTS - 1)];

	spin_lock(&slot->lock);
	/*
	 * Sent since: then it stays counted as a pair that came and went, which it nearly did.
	 */
	if (slot->stack == stack && slot->pairs) {
		slot->pairs--;
		slot->bytes -= bytes;
	}
	spin_unlock(&slot->lock);
}

/* The slot, locked, in which the allocation at the address is still waiting; NULL: it isn't. */
static inline struct cancel_slot *lock_waiting(uint64_t address)
{
	struct cancel_slot *slot = slot_of(address);

	if (!may_wait(slot, address))
		return NULL;
	spin_lock(&slot->lock);
	if (slot->record.head && record_a(&slot->record) == address)
		return slot;
	spin_unlock(&slot->lock);
	return NULL;
}

bool cancel_take(uint64_t address, struct record *ret_record)
{
	struct cancel_slot *slot = lock_waiting(address);

	if (!slot)
		return false;
	*ret_record = slot->record;
	empty(slot);
	count_pair(record_low(ret_record), record_bytes(ret_record));
	spin_unlock(&slot->lock);
	return true;
}

void cancel_send(uint64_t address)
{
	struct cancel_slot *slot = lock_waiting(address);

	if (!slot)
		return;
	ring_put(slot->record.head, slot->record.body);
	empty(slot);
	spin_unlock(&slot->lock);
}

bool cancel_take_by(uint64_t address, struct freer by, struct record *ret_record)
{
	struct cancel_slot *slot = lock_waiting(address);

	if (!slot)
		return false;
	*ret_record = slot->record;
	empty(slot);
	count_pair_by(record_low(ret_record), record_bytes(ret_record), by);
	spin_unlock(&slot->lock);
	return true;
}

/* In one store: whoever reads it of a dead process finds the one stack or the other. */
static void give_to(struct cancel_slot *slot, uint32_t stack)
{
	uint64_t others = slot->record.body & ~(uint64_t)UINT32_MAX;

	__atomic_store_n(&slot->record.body, others | stack, __ATOMIC_RELEASE);
}

bool cancel_retag(uint64_t address, uint32_t stack)
{
	struct cancel_slot *slot = lock_waiting(address);

	if (!slot)
		return false;
	count_pair(record_low(&slot->record), record_bytes(&slot->record));
	give_to(slot, stack);
	spin_unlock(&slot->lock);
	return true;
}

bool cancel_retag_by(uint64_t address, uint32_t stack, struct freer by)
{
	struct cancel_slot *slot = lock_waiting(address);

	if (!slot)
		return false;
	count_pair_by(record_low(&slot->record), record_bytes(&slot->record), by);
	give_to(slot, stack);
	spin_unlock(&slot->lock);
	return true;
}

void cancel_restore(struct record record)
{
	uncount_pair(record_low(&record), record_bytes(&record));
	cancel_put(record);
}

void cancel_restore_by(struct record record, struct freer by)
{
	uncount_pair_by(record_low(&record), record_bytes(&record), by);
	cancel_put(record);
}

void cancel_flush(void)
{
	for (unsigned i = 0; i < RING_CANCEL_SLOTS; i++) {
		struct cancel_slot *slot = &ring.cancel[i];

		spin_lock(&slot->lock);
		if (slot->record.head)
			ring_put(slot->record.head, slot->record.body);
		empty(slot);
		spin_unlock(&slot->lock);
	}
	for (unsigned i = 0; i < RING_TEMP_SLOTS; i++) {
		spin_lock(&ring.temp[i].lock);
		if (cancel_plain)
			send_pairs(&ring.temp[i]);
		else
			send_pairs_by(&ring.temp[i]);
		spin_unlock(&ring.temp[i].lock);
	}
}

/* The sections of a profile that tell of arenas, blocks and mappings. */
#include "dump.h"

#include "../collector/block_table.h"

static void dump_arenas(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->arena_count; i++) {
		const struct profile_arena *arena = &profile->arenas[i];
		fields_begin(fields, "ARNA");
		fields_address(fields, "address", arena->address);
		fields_u64(fields, "bytes", arena->bytes);
		fields_u64(fields, "live_bytes", arena->live_bytes);
		fields_u64(fields, "live_blocks", arena->live_blocks);
		fields_u64(fields, "stack", arena->stack);
		fields_u64(fields, "window", arena->window);
		fields_end(fields);
	}
	for (size_t i = 0; i < profile->pool_count; i++) {
		const struct profile_pool *pool = &profile->pools[i];
		fields_begin(fields, "POOL");
		fields_address(fields, "address", pool->address);
		fields_u64(fields, "class", pool->class);
		fields_u64(fields, "live_blocks", pool->live_blocks);
		fields_end(fields);
	}
}

static void dump_pins(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->pin_count; i++) {
		const struct profile_pin *pin = &profile->pins[i];
		fields_begin(fields, "PINS");
		fields_u64(fields, "arena", pin->arena);
		fields_u64(fields, "stack", pin->stack);
		fields_u64(fields, "blocks", pin->blocks);
		fields_u64(fields, "block_bytes", pin->block_bytes);
		fields_u64(fields, "bytes", pin->bytes);
		fields_u64(fields, "oldest", pin->oldest);
		fields_u64(fields, "newest", pin->newest);
		fields_end(fields);
	}
}

static void dump_mappings(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->mapping_count; i++) {
		const struct profile_mapping *mapping = &profile->mappings[i];
		fields_begin(fields, "MAPS");
		fields_address(fields, "address", mapping->address);
		fields_u64(fields, "bytes", mapping->bytes);
		fields_u64(fields, "stack", mapping->stack);
		fields_u64(fields, "window", mapping->window);
		fields_u64(fields, "anonymous", mapping->anonymous);
		fields_end(fields);
	}
}

static void dump_holders(const struct profile *profile, const struct profile_arena_mark *arena,
			 struct fields *fields)
{
	for (uint32_t i = 0; i < arena->holder_count; i++) {
		const struct profile_holder *holder =
			&profile->holders[arena->holder_start + i];
		fields_begin(fields, "HOLD");
		fields_mark(fields, "mark", arena->mark);
		fields_address(fields, "arena", arena->address);
		fields_u64(fields, "stack", holder->stack);
		fields_u64(fields, "blocks", holder->blocks);
		fields_u64(fields, "block_bytes", holder->block_bytes);
		fields_u64(fields, "oldest", holder->oldest);
		fields_u64(fields, "newest", holder->newest);
		fields_end(fields);
	}
}

static void dump_arena_marks(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->arena_mark_count; i++) {
		const struct profile_arena_mark *arena = &profile->arena_marks[i];
		fields_begin(fields, "AMRK");
		fields_mark(fields, "mark", arena->mark);
		fields_address(fields, "address", arena->address);
		fields_u64(fields, "bytes", arena->bytes);
		fields_u64(fields, "live_bytes", arena->live_bytes);
		fields_u64(fields, "block_bytes", arena->block_bytes);
		fields_u64(fields, "live_blocks", arena->live_blocks);
		fields_u64(fields, "pools", arena->pools);
		fields_u64(fields, "other_stacks", arena->other_stacks);
		fields_end(fields);
		dump_holders(profile, arena, fields);
	}
	for (size_t i = 0; i < profile->mark_class_count; i++) {
		const struct profile_mark_class *class = &profile->mark_classes[i];
		fields_begin(fields, "MCLS");
		fields_mark(fields, "mark", class->mark);
		fields_u64(fields, "class", class->class);
		fields_u64(fields, "pools", class->pools);
		fields_u64(fields, "blocks", class->blocks);
		fields_end(fields);
	}
}

static void dump_audits(const struct profile *profile, struct fields *fields)
{
	for (size_t i = 0; i < profile->audit_count; i++) {
		const struct profile_audit *audit = &profile->audits[i];
		fields_begin(fields, "AUDT");
		fields_mark(fields, "mark", audit->mark);
		fields_u64(fields, "interpreters", audit->interpreters);
		fields_u64(fields, "arenas", audit->arenas);
		fields_u64(fields, "differing_arenas", audit->differing_arenas);
		fields_u64(fields, "pools", audit->pools);
		fields_u64(fields, "differing_pools", audit->differing_pools);
		fields_u64(fields, "blocks", audit->blocks);
		fields_u64(fields, "differing_blocks", audit->differing_blocks);
		fields_u64(fields, "pause_ns", audit->pause_ns);
		fields_u64(fields, "time_ms", audit->time_ms);
		fields_end(fields);
	}
	for (size_t i = 0; i < profile->difference_count; i++) {
		const struct profile_audit_difference *item = &profile->differences[i];
		fields_begin(fields, "AUDD");
		fields_address(fields, "arena", item->arena);
		fields_address(fields, "pool", item->pool);
		fields_u64(fields, "audit", item->audit);
		fields_u64(fields, "map_class", item->map_class);
		fields_u64(fields, "header_class", item->header_class);
		fields_u64(fields, "map_blocks", item->map_blocks);
		fields_u64(fields, "header_blocks", item->header_blocks);
		fields_u64(fields, "differing_blocks", item->differing_blocks);
		fields_end(fields);
	}
}

static void dump_blocks(const struct profile *profile, struct fields *fields)
{
	static const char *const domains[] = {
		[DOMAIN_MALLOC] = "malloc",
		[DOMAIN_MEM] = "mem",
		[DOMAIN_OBJECT] = "object",
		[DOMAIN_MAPPING] = "mapping",
	};
	for (size_t i = 0; i < profile->block_count; i++) {
		const struct profile_block *block = &profile->blocks[i];
		fields_begin(fields, "BLK");
		fields_address(fields, "address", block->address);
		fields_u64(fields, "bytes", block->bytes);
		fields_u64(fields, "stack", block->stack);
		fields_text(fields, "domain", domains[block->domain & 3]);
		fields_u64(fields, "window", block->window);
		fields_end(fields);
	}
}

void dump_profile_map(const struct profile *profile, struct fields *fields)
{
	dump_arenas(profile, fields);
	dump_pins(profile, fields);
	dump_arena_marks(profile, fields);
	dump_audits(profile, fields);
	dump_mappings(profile, fields);
	dump_blocks(profile, fields);
}

/* Small questions to a profile that was read: texts, facts, lines, figures at a mark. */
#include "profile_read.h"

#include <string.h>

const char *profile_text(const struct profile *profile, uint32_t offset)
{
	return offset < profile->strings_bytes ? profile->strings + offset : "";
}

const char *profile_info(const struct profile *profile, const char *key)
{
	size_t at = 0;

	while (at < profile->info_bytes) {
		size_t value = at + strlen(profile->info + at) + 1;

		if (value >= profile->info_bytes)
			break;
		if (!strcmp(profile->info + at, key))
			return profile->info + value;
		at = value + strlen(profile->info + value) + 1;
	}
	return NULL;
}

const struct profile_code *profile_code_of(const struct profile *profile,
					   const struct profile_node *node)
{
	if (node->code < STREAM_CODE_FIRST ||
	    node->code - STREAM_CODE_FIRST >= profile->code_count)
		return NULL;
	return &profile->codes[node->code - STREAM_CODE_FIRST];
}

int32_t profile_line(const struct profile *profile, const struct profile_node *node)
{
	const struct profile_code *code = profile_code_of(profile, node);

	const uint8_t *table = profile->linetables;

	if (!code)
		return LINE_NONE;
	if (code->linetable_bytes)
		table += code->linetable_offset;
	return linetable_line((enum linetable_kind)code->linetable_kind, table,
			      code->linetable_bytes, code->first_line, node->instr);
}

bool profile_hidden(const struct profile *profile, const struct profile_node *node)
{
	const struct profile_code *code = profile_code_of(profile, node);

	return code && code->first_traced && (int64_t)node->instr < code->first_traced;
}

static void live_at_end(const struct profile *profile, uint64_t *bytes, uint64_t *blocks)
{
	for (size_t i = 0; i < profile->site_count; i++) {
		bytes[profile->sites[i].stack] = profile->sites[i].live_bytes;
		blocks[profile->sites[i].stack] = profile->sites[i].live_blocks;
	}
}

/* A mark holds what changed since the one before it, so the newest change up to it counts. */
void profile_live_at(const struct profile *profile, size_t mark, uint64_t *bytes_by_stack,
		     uint64_t *blocks_by_stack)
{
	size_t bytes = (profile->node_count + 1) * sizeof(uint64_t);

	memset(bytes_by_stack, 0, bytes);
	memset(blocks_by_stack, 0, bytes);
	if (mark == SIZE_MAX) {
		live_at_end(profile, bytes_by_stack, blocks_by_stack);
		return;
	}
	for (size_t i = 0; i <= mark && i < profile->mark_count; i++) {
		const struct profile_mark *item = &profile->marks[i];

		for (size_t j = 0; j < item->change_count; j++) {
			const struct profile_change *change =
				&profile->changes[item->change_start + j];

			bytes_by_stack[change->stack] = change->live_bytes;
			blocks_by_stack[change->stack] = change->live_blocks;
		}
	}
}

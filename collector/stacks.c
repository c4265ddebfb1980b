#include "stacks.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "linetable.h"
#include "mem.h"

void stacks_init(struct stacks *stacks)
{
	*stacks = (struct stacks){0};
	u64map_init(&stacks->thread_slots);
	stream_text_init(&stacks->code_text);
	stream_text_init(&stacks->thread_text);
	stream_text_init(&stacks->info_text);
}

void stacks_release(struct stacks *stacks)
{
	for (size_t i = 0; i < stacks->code_count; i++) {
		free(stacks->codes[i].file);
		free(stacks->codes[i].name);
		free(stacks->codes[i].linetable);
	}
	for (size_t i = 0; i < stacks->thread_count; i++)
		free(stacks->threads[i].name);
	for (size_t i = 0; i < stacks->info_count; i++) {
		free(stacks->infos[i].key);
		free(stacks->infos[i].value);
	}
	free(stacks->nodes);
	free(stacks->codes);
	free(stacks->threads);
	free(stacks->infos);
	u64map_release(&stacks->thread_slots);
	stream_text_release(&stacks->code_text);
	stream_text_release(&stacks->thread_text);
	stream_text_release(&stacks->info_text);
	*stacks = (struct stacks){0};
}

/* A NUL inside ends the text: it becomes a C string. */
static char *text_of(const void *bytes, size_t len)
{
	char *text = mem_alloc(len + 1);

	if (len)
		memcpy(text, bytes, len);
	return text;
}

static void add_node(struct stacks *stacks, struct stack_node node)
{
	stacks->nodes = mem_grow(stacks->nodes, &stacks->node_capacity, stacks->node_count + 1,
				 sizeof(*stacks->nodes));
	stacks->nodes[stacks->node_count++] = node;
}

/* False: the id is taken, or no stream of ours leaves so many out before it. */
static bool comes_next(uint64_t id, uint64_t due)
{
	return id >= due && id - due <= STREAM_MOST_MISSING;
}

static void define_node(struct stacks *stacks, const struct record *r)
{
	if (!comes_next(record_a(r), stacks->node_count + 1))
		return;
	uint32_t instr;
	stream_payload(r, sizeof(instr), &instr);
	/*
	 * Nodes whose definitions were lost keep their numbers: stacks that are cut off
	 * there.
	 */
	while (stacks->node_count + 1 < record_a(r))
		add_node(stacks, (struct stack_node){.code = STREAM_CODE_TRUNCATED});
	add_node(stacks, (struct stack_node){
				 .parent = record_low(r),
				 .code = record_high(r),
				 .instr = (int32_t)instr,
			 });
}

static void add_code(struct stacks *stacks, struct code code)
{
	stacks->codes = mem_grow(stacks->codes, &stacks->code_capacity, stacks->code_count + 1,
				 sizeof(*stacks->codes));
	stacks->codes[stacks->code_count++] = code;
}

/* A code whose lengths don't add up still takes its id, so that later ids stay right. */
static void define_code(struct stacks *stacks, uint32_t id, const struct buf *bytes)
{
	if (!comes_next(id, STREAM_CODE_FIRST + stacks->code_count))
		return;
	struct stream_code head = {0};
	struct cursor c = cursor_over(bytes->data, bytes->len);
	const uint8_t *payload = cursor_bytes(&c, sizeof(head));
	if (payload)
		memcpy(&head, payload, sizeof(head));
	const uint8_t *file = cursor_bytes(&c, head.file_bytes);
	const uint8_t *name = cursor_bytes(&c, head.name_bytes);
	const uint8_t *linetable = cursor_bytes(&c, head.linetable_bytes);
	if (c.failed)
		head = (struct stream_code){0};

	while (STREAM_CODE_FIRST + stacks->code_count < id)
		add_code(stacks, (struct code){.file = mem_text(""), .name = mem_text("")});
	add_code(stacks, (struct code){
				 .file = text_of(file, head.file_bytes),
				 .name = text_of(name, head.name_bytes),
				 .first_line = head.first_line,
				 .linetable_kind = head.linetable_kind,
				 .linetable_bytes = head.linetable_bytes,
				 .first_traced = head.first_traced,
				 .linetable = mem_copy(linetable, head.linetable_bytes),
			 });
}

static struct thread *thread_of_slot(struct stacks *stacks, uint32_t slot)
{
	uint64_t *index = u64map_put(&stacks->thread_slots, (uint64_t)slot + 1);

	if (*index == 0) {
		stacks->threads = mem_grow(stacks->threads, &stacks->thread_capacity,
					   stacks->thread_count + 1, sizeof(*stacks->threads));
		stacks->threads[stacks->thread_count] = (struct thread){.slot = slot};
		*index = ++stacks->thread_count;
	}
	return &stacks->threads[*index - 1];
}

/* The same tid again only brings a better name. */
static void define_thread(struct stacks *stacks, uint32_t slot, const struct buf *bytes)
{
	struct stream_thread head;

	if (bytes->len < sizeof(head))
		return;
	memcpy(&head, bytes->data, sizeof(head));
	struct thread *thread = thread_of_slot(stacks, slot);
	if (thread->count == 0 || thread->tid != head.tid)
		thread->count++;
	thread->tid = head.tid;
	thread->stack_block = 0;
	free(thread->name);
	thread->name = text_of(bytes->data + sizeof(head), bytes->len - sizeof(head));
}

static void define_thread_stack(struct stacks *stacks, const struct record *r)
{
	const uint64_t *index = u64map_get(&stacks->thread_slots, (uint64_t)record_low(r) + 1);

	if (index)
		stacks->threads[*index - 1].stack_block = record_a(r);
}

static struct info *info_find(const struct stacks *stacks, const char *key)
{
	for (size_t i = 0; i < stacks->info_count; i++) {
		if (strcmp(stacks->infos[i].key, key) == 0)
			return &stacks->infos[i];
	}
	return NULL;
}

const char *stacks_info(const struct stacks *stacks, const char *key)
{
	const struct info *info = info_find(stacks, key);

	return info ? info->value : NULL;
}

static void define_info(struct stacks *stacks, const struct buf *bytes)
{
	char *key __attribute__((cleanup(mem_scope))) = text_of(bytes->data, bytes->len);
	char *equals = strchr(key, '=');
	if (!equals)
		return;
	*equals = '\0';

	struct info *info = info_find(stacks, key);
	if (!info && stacks->info_count == INFO_LIMIT)
		return;
	if (!info) {
		stacks->infos = mem_grow(stacks->infos, &stacks->info_capacity,
					 stacks->info_count + 1, sizeof(*stacks->infos));
		info = &stacks->infos[stacks->info_count++];
		*info = (struct info){.key = mem_text(key)};
	}
	free(info->value);
	info->value = mem_text(equals + 1);
}

/* Interpreter and table may each say "no line" in their own way: 0, a negative number,
 * LINE_NONE. */
static void check_line(struct stacks *stacks, const struct record *r)
{
	uint64_t id = record_a(r);
	const struct code *code = id <= UINT32_MAX ? stacks_code(stacks, (uint32_t)id) : NULL;

	if (!code)
		return;
	int32_t told = (int32_t)record_high(r);
	int32_t ours = linetable_line(code->linetable_kind, code->linetable,
				      code->linetable_bytes, code->first_line,
				      (int32_t)record_low(r));
	bool agrees = told <= 0 ? ours <= 0 : ours == told;
	stacks->checks += agrees;
	stacks->checks_differing += !agrees;
}

void stacks_apply(struct stacks *stacks, const struct record *r)
{
	switch (record_kind(r)) {
	case R_NODE:
		define_node(stacks, r);
		break;
	case R_CHECK:
		check_line(stacks, r);
		break;
	case R_CODE:
		if (stream_text_add(&stacks->code_text, r, NULL) == 1)
			define_code(stacks, stacks->code_text.id, &stacks->code_text.bytes);
		break;
	case R_THREAD:
		if (stream_text_add(&stacks->thread_text, r, NULL) == 1)
			define_thread(stacks, stacks->thread_text.id,
				      &stacks->thread_text.bytes);
		break;
	case R_THREAD_STACK:
		define_thread_stack(stacks, r);
		break;
	case R_INFO:
		if (stream_text_add(&stacks->info_text, r, NULL) == 1)
			define_info(stacks, &stacks->info_text.bytes);
		break;
	default:
		break;
	}
}

const struct code *stacks_code(const struct stacks *stacks, uint32_t code_id)
{
	if (code_id < STREAM_CODE_FIRST || code_id - STREAM_CODE_FIRST >= stacks->code_count)
		return NULL;
	return &stacks->codes[code_id - STREAM_CODE_FIRST];
}

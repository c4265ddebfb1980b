/*
 * state_definitions.c - what a state says in the stream's own records: they pass the same
 * checks again.
 */
#include <string.h>

#include "state_writer.h"

static void write_codes(struct state_writer *writer)
{
	const struct stacks *stacks = &writer->heap->stacks;

	for (size_t i = 0; i < stacks->code_count; i++) {
		const struct code *code = &stacks->codes[i];
		struct stream_code head = {
			.first_line = code->first_line,
			.linetable_kind = code->linetable_kind,
			.file_bytes = (uint32_t)strlen(code->file),
			.name_bytes = (uint32_t)strlen(code->name),
			.linetable_bytes = code->linetable_bytes,
			.first_traced = code->first_traced,
		};

		buf_append(&writer->part, &head, sizeof(head));
		buf_append(&writer->part, code->file, head.file_bytes);
		buf_append(&writer->part, code->name, head.name_bytes);
		buf_append(&writer->part, code->linetable, head.linetable_bytes);
		state_text(writer, R_CODE, STREAM_CODE_FIRST + (uint32_t)i);
	}
}

static void put_record(struct state_writer *writer, uint64_t head, uint64_t body)
{
	struct record r = {head, body};

	buf_append(&writer->records, &r, sizeof(r));
}

static void write_nodes(struct state_writer *writer)
{
	const struct stacks *stacks = &writer->heap->stacks;

	for (size_t i = 0; i < stacks->node_count; i++) {
		const struct stack_node *node = &stacks->nodes[i];

		put_record(writer, record_head(R_NODE, i + 1),
			   node->parent | (uint64_t)node->code << 32);
		put_record(writer, record_head(R_DATA, (uint32_t)node->instr), 0);
		state_hand_on_many(writer);
	}
}

static void write_threads(struct state_writer *writer)
{
	const struct stacks *stacks = &writer->heap->stacks;

	for (size_t i = 0; i < stacks->thread_count; i++) {
		const struct thread *thread = &stacks->threads[i];
		struct stream_thread head = {.tid = thread->tid};

		buf_append(&writer->part, &head, sizeof(head));
		buf_append(&writer->part, thread->name, strlen(thread->name));
		state_text(writer, R_THREAD, thread->slot);
		if (thread->stack_block)
			put_record(writer, record_head(R_THREAD_STACK, thread->stack_block),
				   thread->slot);
	}
	for (size_t i = 0; i < stacks->thread_count; i++)
		state_number(writer, stacks->threads[i].count);
	if (stacks->thread_count)
		state_part(writer, STATE_THREADS);
}

static void write_infos(struct state_writer *writer)
{
	const struct stacks *stacks = &writer->heap->stacks;

	for (size_t i = 0; i < stacks->info_count; i++) {
		buf_printf(&writer->part, "%s=%s", stacks->infos[i].key,
			   stacks->infos[i].value);
		state_text(writer, R_INFO, 0);
	}
}

/* The fragments that came so far, as one or more. */
static void write_half_text(struct state_writer *writer, const struct stream_text *text)
{
	enum { MOST = STREAM_MAX_DATA_SLOTS * STREAM_DATA_BYTES };
	size_t here = text->bytes.len;

	for (size_t done = 0; text->kind != R_NONE && done < here; done += MOST) {
		size_t first = writer->records.len;
		size_t part = here - done < MOST ? here - done : MOST;

		stream_put_text(&writer->records, text->kind, text->id, text->bytes.data + done,
				part);
		/* It says what it is a part of, and where that begins. */
		struct record *head = (struct record *)(writer->records.data + first);
		head->body = text->length | (uint64_t)done << 32;
	}
}

void state_half_texts(struct state_writer *writer)
{
	const struct heap *heap = writer->heap;

	write_half_text(writer, &heap->stacks.code_text);
	write_half_text(writer, &heap->stacks.thread_text);
	write_half_text(writer, &heap->stacks.info_text);
	write_half_text(writer, &heap->mark_text);
}

void state_definitions(struct state_writer *writer)
{
	write_codes(writer);
	write_nodes(writer);
	write_threads(writer);
	write_infos(writer);
}

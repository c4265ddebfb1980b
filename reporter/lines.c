#include "lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/linetable.h"
#include "../collector/mem.h"
#include "module_name.h"

static const char *text_at(const struct lines *lines, uint32_t offset)
{
	return profile_text(lines->profile, offset);
}

static uint64_t hash_text(const char *text, size_t len)
{
	uint64_t hash = 0xcbf29ce484222325ULL;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ULL;
	return hash ? hash : 1;
}

/*
 * One id for each different text, whichever offset it came by. `texts` has two sorts of keys:
 * offsets that were asked for before, and hashes of texts.
 */
static uint32_t text_id(struct lines *lines, uint32_t offset)
{
	const uint64_t offset_key = (uint64_t)offset + 1;
	const uint64_t *known = u64map_get(&lines->texts, offset_key);
	if (known)
		return (uint32_t)*known;
	const char *text = text_at(lines, offset);
	/*
	 * The high bit keeps hashes apart from offsets; a collision moves on to the next key.
	 */
	uint64_t key = hash_text(text, strlen(text)) | 1ULL << 63;
	uint64_t *slot = u64map_get(&lines->texts, key);
	while (slot && strcmp(text_at(lines, (uint32_t)(*slot - 1)), text) != 0)
		slot = u64map_get(&lines->texts, key = (key + 1) | 1ULL << 63);
	const uint64_t id = slot ? *slot : (uint64_t)offset + 1;
	*u64map_put(&lines->texts, key) = id;
	*u64map_put(&lines->texts, offset_key) = id;
	return (uint32_t)id;
}

/* Folders that hold an __init__.py which ran: the packages, as far as the profile can know. */
static void find_packages(struct lines *lines)
{
	static const char init[] = "/__init__.py";
	const struct profile *profile = lines->profile;
	for (size_t i = 0; i < profile->code_count; i++) {
		const char *path = text_at(lines, profile->codes[i].file);
		const size_t len = strlen(path);
		if (len < sizeof init || strcmp(path + len - (sizeof init - 1), init) != 0)
			continue;
		*u64map_put(&lines->packages, hash_text(path, len - (sizeof init - 1))) = 1;
	}
}

/*
 * The path behind the folder that its import started in: what is installed says so, a package
 * ends where the folder above it is none; anything else is a script or a module beside it.
 */
static const char *importable_part(const struct lines *lines, const char *path)
{
	const char *installed = module_installed_part(path);
	if (installed || path[0] == '<')
		return installed ? installed : path;
	const char *start = strrchr(path, '/');
	while (start && u64map_get(&lines->packages, hash_text(path, (size_t)(start - path)))) {
		const char *above = memrchr(path, '/', (size_t)(start - path));
		if (!above) {
			start = NULL;
			break;
		}
		start = above;
	}
	return start ? start + 1 : path;
}

static uint32_t module_id(struct lines *lines, const char *module)
{
	/* Two modules of one hash would be one row: with 64 bits of it nobody will see that. */
	uint64_t *id = u64map_put(&lines->modules, hash_text(module, strlen(module)));
	if (!*id)
		*id = ++lines->module_count;
	return (uint32_t)*id;
}

static uint32_t place_of(struct lines *lines, uint32_t file_offset)
{
	uint64_t *slot = u64map_put(&lines->place_by_text, text_id(lines, file_offset));
	if (*slot)
		return (uint32_t)*slot;
	*slot = lines->place_count;
	lines->places = mem_grow(lines->places, &lines->place_capacity, lines->place_count + 1,
				 sizeof lines->places[0]);
	struct source_place *place = &lines->places[lines->place_count++];
	const char *path = text_at(lines, file_offset);
	char *module = module_dotted(importable_part(lines, path));
	*place = (struct source_place){
		.path = path,
		.module = module,
		.module_id = module_id(lines, module),
		.own = module_is_own(path),
	};
	return (uint32_t)(lines->place_count - 1);
}

static uint32_t add_frame(struct lines *lines, struct frame frame)
{
	lines->frames = mem_grow(lines->frames, &lines->frame_capacity, lines->frame_count + 1,
				 sizeof lines->frames[0]);
	lines->frames[lines->frame_count] = frame;
	return (uint32_t)lines->frame_count++;
}

static uint32_t code_frame(struct lines *lines, const struct profile_code *code, int32_t line)
{
	const uint32_t place = place_of(lines, code->file);
	uint64_t *function = u64map_put(&lines->functions,
					(uint64_t)place << 32 | text_id(lines, code->name));
	if (!*function)
		*function = ++lines->function_count;
	const uint32_t function_id = (uint32_t)*function;
	const uint64_t key = (uint64_t)function_id << 32 | (uint32_t)line;
	uint64_t *frame = u64map_put(&lines->frame_by_place, key);
	if (!*frame)
		*frame = add_frame(lines,
				   (struct frame){.kind = FRAME_CODE,
						  .place = place,
						  .function_id = function_id,
						  .line = line,
						  .function = text_at(lines, code->name)});
	return (uint32_t)*frame;
}

/* Decoding a line table costs more than everything else here: once for each instruction. */
static uint32_t frame_of_node(struct lines *lines, const struct profile_node *node)
{
	const uint64_t key = ((uint64_t)node->code << 32 | (uint32_t)node->instr) + 1;
	if (!key)
		return 0;
	uint64_t *frame = u64map_put(&lines->frame_by_instr, key);
	if (*frame)
		return (uint32_t)*frame;
	const struct profile_code *code = profile_code_of(lines->profile, node);
	uint32_t found = 0;
	/*
	 * Lines that the interpreter itself contradicted: no answer is better than a wrong one.
	 */
	if (code && lines->profile->run.checks_differing)
		found = 0;
	else if (code)
		found = code_frame(lines, code, profile_line(lines->profile, node));
	else if (node->code == STREAM_CODE_TRUNCATED)
		found = add_frame(lines,
				  (struct frame){.kind = FRAME_TRUNCATED, .line = LINE_NONE});
	else if (node->code == STREAM_CODE_THREAD && lines->threads)
		found = add_frame(lines,
				  (struct frame){.kind = FRAME_THREAD, .line = node->instr});
	return (uint32_t)(*frame = found);
}

static uint32_t add_trace(struct lines *lines, uint32_t parent, uint32_t frame)
{
	uint64_t *trace = u64map_put(&lines->trace_by_frame, (uint64_t)parent << 32 | frame);
	if (!*trace) {
		*trace = lines->trace_count;
		lines->traces = mem_grow(lines->traces, &lines->trace_capacity,
					 lines->trace_count + 1, sizeof lines->traces[0]);
		lines->traces[lines->trace_count++] = (struct trace){.parent = parent,
								     .frame = frame};
	}
	return (uint32_t)*trace;
}

static void resolve(struct lines *lines)
{
	const struct profile *profile = lines->profile;
	lines->trace_of[0] = 0;
	for (size_t i = 0; i < profile->node_count; i++) {
		const struct profile_node *node = &profile->nodes[i];
		const uint32_t parent = lines->trace_of[node->parent];
		/* What Python's own stacks hide is its caller's. */
		const uint32_t frame = profile_hidden(profile, node)
					       ? 0
					       : frame_of_node(lines, node);
		lines->trace_of[i + 1] = frame ? add_trace(lines, parent, frame) : parent;
	}
}

struct lines *lines_new(const struct profile *profile, bool threads)
{
	struct lines *lines = mem_alloc(sizeof *lines);
	lines->profile = profile;
	lines->threads = threads;
	lines->trace_of = mem_alloc((profile->node_count + 1) * sizeof lines->trace_of[0]);
	lines->places = mem_grow(NULL, &lines->place_capacity, 1, sizeof lines->places[0]);
	lines->places[lines->place_count++] = (struct source_place){.path = NULL};
	add_frame(lines, (struct frame){.kind = FRAME_NONE, .line = LINE_NONE});
	lines->traces = mem_grow(NULL, &lines->trace_capacity, 1, sizeof lines->traces[0]);
	lines->traces[lines->trace_count++] = (struct trace){.frame = 0};
	find_packages(lines);
	resolve(lines);
	return lines;
}

void lines_set_own(struct lines *lines, const struct path_globs *own)
{
	for (size_t i = 1; i < lines->place_count; i++)
		lines->places[i].own = path_globs_match(own, lines->places[i].path);
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	struct u64map *const maps[] = {&lines->texts,          &lines->place_by_text,
				       &lines->functions,      &lines->frame_by_place,
				       &lines->frame_by_instr, &lines->trace_by_frame,
				       &lines->modules,        &lines->packages};
	for (size_t i = 0; i < sizeof maps / sizeof maps[0]; i++)
		u64map_release(maps[i]);
	for (size_t i = 0; i < lines->place_count; i++)
		free(lines->places[i].module);
	free(lines->places);
	free(lines->frames);
	free(lines->traces);
	free(lines->trace_of);
	free(lines);
}

const struct frame *lines_frame(const struct lines *lines, uint32_t trace)
{
	return &lines->frames[lines->traces[trace].frame];
}

const char *lines_file(const struct lines *lines, const struct frame *frame)
{
	return lines->places[frame->place].path;
}

const char *lines_module(const struct lines *lines, const struct frame *frame)
{
	return lines->places[frame->place].module;
}

static struct frame_name thread_name(const struct lines *lines, int32_t slot)
{
	struct frame_name result;
	const struct profile *profile = lines->profile;
	for (size_t i = 0; i < profile->thread_count; i++) {
		const struct profile_thread *thread = &profile->threads[i];
		if (thread->slot != (uint32_t)slot)
			continue;
		const char *name = profile_text(profile, thread->name);
		if (thread->count > 1)
			snprintf(result.text, sizeof result.text,
				 "thread %s (and %u before it)",
				 *name ? name : "without a name", thread->count - 1);
		else
			snprintf(result.text, sizeof result.text, "thread %s (tid %u)",
				 *name ? name : "without a name", thread->tid);
		return result;
	}
	snprintf(result.text, sizeof result.text, "(unknown thread %d)", slot);
	return result;
}

struct frame_name lines_name(const struct lines *lines, const struct frame *frame)
{
	struct frame_name result = {"(no Python frame)"};
	if (frame->kind == FRAME_THREAD)
		return thread_name(lines, frame->line);
	if (frame->kind == FRAME_TRUNCATED)
		snprintf(result.text, sizeof result.text, "(outer frames not kept)");
	if (frame->kind == FRAME_CODE)
		snprintf(result.text, sizeof result.text, "%s", frame->function);
	return result;
}

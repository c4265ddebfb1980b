#include "release.h"

#include <string.h>

#include "../collector/mem.h"

/* What is left to do while rows are taken. */
struct greedy {
	const struct release_arenas *arenas;
	uint64_t *scores;    /* by row; 0: taken, or holds nothing that could go back */
	uint32_t *holders;   /* by arena: rows that aren't taken */
	size_t *held_starts; /* by row, row_count + 1 of them: into held */
	uint32_t *held;      /* arenas */
};

static uint64_t part(uint64_t bytes, uint64_t holders)
{
	/*
	 * Sixteen bits more, so that a small part isn't lost; arenas of real ones have 26 at
	 * most.
	 */
	enum { SCALE_BITS = 16, LARGEST_BITS = 40 };
	const uint64_t largest = 1ULL << LARGEST_BITS;
	return ((bytes < largest ? bytes : largest) << SCALE_BITS) / (holders * holders);
}

static void list_held(struct greedy *greedy)
{
	const struct release_arenas *arenas = greedy->arenas;
	const size_t entries = arenas->starts[arenas->count];
	size_t *starts = greedy->held_starts;
	for (size_t i = 0; i < entries; i++)
		starts[arenas->rows[i] + 1]++;
	for (size_t i = 0; i < arenas->row_count; i++)
		starts[i + 1] += starts[i];
	__attribute__((cleanup(mem_scope)))
	size_t *filled = mem_copy(starts, (arenas->row_count + 1) * sizeof filled[0]);
	for (size_t i = 0; i < arenas->count; i++)
		for (size_t j = arenas->starts[i]; j < arenas->starts[i + 1]; j++)
			greedy->held[filled[arenas->rows[j]]++] = (uint32_t)i;
}

static void begin(struct greedy *greedy)
{
	const struct release_arenas *arenas = greedy->arenas;
	list_held(greedy);
	for (size_t i = 0; i < arenas->count; i++) {
		const size_t holders = arenas->starts[i + 1] - arenas->starts[i];
		greedy->holders[i] = (uint32_t)holders;
		for (size_t j = arenas->starts[i]; j < arenas->starts[i + 1]; j++)
			greedy->scores[arenas->rows[j]] += part(arenas->free_bytes[i], holders);
	}
}

/* The first of equals, so that the order is the rows' own. */
static size_t best_row(const struct greedy *greedy)
{
	size_t best = SIZE_MAX;
	uint64_t score = 0;
	for (size_t i = 0; i < greedy->arenas->row_count; i++) {
		if (greedy->scores[i] <= score)
			continue;
		best = i;
		score = greedy->scores[i];
	}
	return best;
}

/* Taken rows stay at 0: whatever is added to them is taken away at the end. */
static void take_from_arena(struct greedy *greedy, size_t arena, struct release_step *step)
{
	const struct release_arenas *arenas = greedy->arenas;
	const uint64_t before = greedy->holders[arena]--;
	if (before == 1) {
		step->arenas++;
		step->bytes += arenas->bytes[arena];
		step->free_bytes += arenas->free_bytes[arena];
		return;
	}
	const uint64_t more = part(arenas->free_bytes[arena], before - 1) -
			      part(arenas->free_bytes[arena], before);
	for (size_t i = arenas->starts[arena]; i < arenas->starts[arena + 1]; i++)
		if (greedy->scores[arenas->rows[i]])
			greedy->scores[arenas->rows[i]] += more;
}

static void take(struct greedy *greedy, size_t row, struct release_step *step)
{
	step->rows++;
	greedy->scores[row] = 0;
	for (size_t i = greedy->held_starts[row]; i < greedy->held_starts[row + 1]; i++)
		take_from_arena(greedy, greedy->held[i], step);
}

void release_compute(const struct release_arenas *arenas, struct release *ret_release)
{
	const size_t entries = arenas->starts[arenas->count];
	__attribute__((cleanup(mem_scope)))
	uint64_t *scores = mem_alloc(arenas->row_count * sizeof scores[0]);
	__attribute__((cleanup(mem_scope)))
	uint32_t *holders = mem_alloc(arenas->count * sizeof holders[0]);
	__attribute__((cleanup(mem_scope)))
	size_t *held_starts = mem_alloc((arenas->row_count + 1) * sizeof held_starts[0]);
	__attribute__((cleanup(mem_scope)))
	uint32_t *held = mem_alloc(entries * sizeof held[0]);
	struct greedy greedy = {arenas, scores, holders, held_starts, held};
	struct release_step step = {.rows = 0};
	struct release release = {.step_count = 0};

	begin(&greedy);
	while (step.rows < RELEASE_MAX_ROWS) {
		const uint64_t before = step.arenas;
		const size_t row = best_row(&greedy);
		if (row == SIZE_MAX)
			break;
		release.order[step.rows] = (uint32_t)row;
		take(&greedy, row, &step);
		if (step.arenas > before)
			release.steps[release.step_count++] = step;
	}
	*ret_release = release;
}

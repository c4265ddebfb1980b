#include "walk.h"

enum {
	/* Of a stack that is too deep. */
	DROP_STEP = 1024,
	MOST_COUNTED = 1 << 20,
	/* How far from the top of the walk before a frame is looked for at first. */
	NEAR = 8,
};

static inline bool is_foreign(const void *frame, const struct layout *layout)
{
	return layout->frame_owner != LAYOUT_NONE &&
	       *((const uint8_t *)frame + layout->frame_owner) >= layout->first_foreign_owner;
}

/*
 * An address, or a number: either way it tells one instruction of a code object from another.
 */
static inline const void *read_instr(const void *frame, const struct layout *layout)
{
	if (layout->instr == INSTR_ADDRESS)
		return walk_pointer(frame, layout->frame_instr);
	return (const void *)(intptr_t) *
	       (const int32_t *)((const char *)frame + layout->frame_instr);
}

static inline void read_frame(struct walk_frame *into, const void *frame,
			      const struct layout *layout)
{
	into->frame = frame;
	into->code = walk_pointer(frame, layout->frame_code);
	into->instr = read_instr(frame, layout);
	into->foreign = is_foreign(frame, layout);
}

/*
 * Where the walk before has this frame: 1 + index, 0 where it isn't among the `most` innermost.
 */
static inline uint32_t find(const struct walk *walk, const void *frame, uint32_t most)
{
	uint32_t last = walk->depth > most ? walk->depth - most : 0;

	for (uint32_t i = walk->depth; i > last; i--)
		if (walk->frames[i - 1].frame == frame)
			return i;
	return 0;
}

/*
 * The first frame from here outwards that is in the walk before: 1 + its index there. Those on
 * the way are read. All of that walk is looked through now and then only: after many returns at
 * once.
 */
static __attribute__((noinline)) uint32_t find_known(struct walk *walk, const void *frame,
						     uint32_t *ret_fresh)
{
	const struct layout *layout = &python.layout;
	uint32_t fresh = 0, known;

	for (; frame; frame = walk_pointer(frame, layout->frame_previous)) {
		bool far = fresh >= NEAR && !(fresh & (fresh - 1));

		if ((known = find(walk, frame, far ? walk->depth : NEAR))) {
			*ret_fresh = fresh;
			return known + fresh <= STREAM_MAX_DEPTH ? known : 0;
		}
		if (fresh == STREAM_MAX_DEPTH)
			return 0;
		read_frame(&walk->fresh[fresh++], frame, layout);
	}
	return 0;
}

/*
 * Whether this frame of the walk before and those outwards of it are still called by each
 * other. *ret_moved: the outermost that stands at another instruction now; NULL: none.
 *
 * An instruction's address alone tells the code object that it lies in, where that is the only
 * place of its instructions: as long as none that is known was freed (intern_epoch), no other
 * can lie there.
 */
static inline __attribute__((always_inline)) bool compare(const struct walk *walk,
							  const struct walk_frame *at,
							  bool by_address,
							  const struct walk_frame **ret_moved)
{
	const size_t code = python.layout.frame_code, instr = python.layout.frame_instr;
	const size_t previous = python.layout.frame_previous;
	const struct walk_frame *moved = NULL;
	const void *caller;

	for (;; at--) {
		/*
		 * The address is the one that the walk before has, not the one just read: equal
		 * as they are, only the latter would have to be waited for. Volatile, lest the
		 * compiler takes one for the other.
		 */
		const char *frame = *(const char *const volatile *)&at->frame;
		const void *now = by_address ? *(const void *const *)(frame + instr)
					     : read_instr(frame, &python.layout);

		if (__builtin_expect(now != at->instr, 0) ||
		    (!by_address && *(const void *const *)(frame + code) != at->code))
			moved = at;
		caller = *(const void *const *)(frame + previous);
		/* In front of the outermost there is an address of nothing. */
		if (__builtin_expect(caller != at[-1].frame, 0) || !caller)
			break;
	}
	*ret_moved = moved;
	return !caller && at == walk->frames;
}

/* False: nothing was changed, all frames must be read. */
static inline bool update_chained(struct walk *walk, const void *innermost, bool codes_stay,
				  uint32_t *ret_same)
{
	const struct layout *layout = &python.layout;
	const struct walk_frame *moved;
	uint32_t known = walk->depth, fresh = 0;

	if (walk->frames[(int64_t)known - 1].frame != innermost &&
	    !(known = find_known(walk, innermost, &fresh)))
		return false;
	const struct walk_frame *top = &walk->frames[known - 1];

	if (!(codes_stay && layout->instr == INSTR_ADDRESS && !layout->code_copies
		      ? compare(walk, top, true, &moved)
		      : compare(walk, top, false, &moved)))
		return false;
	*ret_same = moved ? (uint32_t)(moved - walk->frames) : known;
	for (uint32_t i = *ret_same; i < known; i++)
		read_frame(&walk->frames[i], walk->frames[i].frame, layout);
	for (uint32_t i = 0; i < fresh; i++)
		walk->frames[known + i] = walk->fresh[fresh - 1 - i];
	walk->depth = known + fresh;
	return true;
}

/* Of Python's own frames. */
static uint32_t count_frames(const void *innermost, const struct layout *layout,
			     uint32_t *ret_all)
{
	uint32_t count = 0, all = 0;
	const void *frame = innermost;

	for (; frame && all < MOST_COUNTED;
	     frame = walk_pointer(frame, layout->frame_previous)) {
		count += !is_foreign(frame, layout);
		all++;
	}
	*ret_all = all;
	return count;
}

/* Into walk->fresh: `most` frames, without C's where `own` says so. */
static uint32_t read_all(struct walk *walk, const void *innermost, uint32_t most, bool own)
{
	const struct layout *layout = &python.layout;
	const void *frame = innermost;
	uint32_t count = 0;

	for (; frame && count < most; frame = walk_pointer(frame, layout->frame_previous))
		if (!own || !is_foreign(frame, layout))
			read_frame(&walk->fresh[count++], frame, layout);
	return count;
}

/*
 * What is left out of a stack too deep is a multiple of DROP_STEP: calls and returns far up
 * don't move the cut, and the walk before still tells most of the next.
 */
static uint32_t dropped_of(uint32_t count)
{
	if (count <= STREAM_MAX_DEPTH)
		return 0;
	return (count - STREAM_MAX_DEPTH + DROP_STEP - 1) / DROP_STEP * DROP_STEP;
}

static __attribute__((noinline)) uint32_t update_whole(struct walk *walk, const void *innermost)
{
	uint32_t all, own = count_frames(innermost, &python.layout, &all);
	uint32_t dropped = dropped_of(own), same = 0;
	bool chained = !dropped && all <= WALK_MOST;
	uint32_t depth = chained ? read_all(walk, innermost, all, false)
				 : read_all(walk, innermost, own - dropped, true);
	uint32_t most = depth < walk->depth ? depth : walk->depth;
	const struct walk_frame *outermost = walk->fresh + depth;

	while (dropped == walk->dropped && same < most &&
	       outermost[-1 - (int64_t)same].code == walk->frames[same].code &&
	       outermost[-1 - (int64_t)same].instr == walk->frames[same].instr) {
		walk->frames[same].frame = outermost[-1 - (int64_t)same].frame;
		same++;
	}
	for (uint32_t i = same; i < depth; i++)
		walk->frames[i] = outermost[-1 - (int64_t)i];
	walk->depth = depth;
	walk->dropped = dropped;
	walk->chained = chained;
	return same;
}

void walk_step(struct walk *walk)
{
	struct walk_frame *top = &walk->frames[walk->depth - 1];

	read_frame(top, top->frame, &python.layout);
}

uint32_t walk_update(struct walk *walk, const void *innermost, bool codes_stay)
{
	uint32_t same;

	if (__builtin_expect(walk->chained && innermost, 1) &&
	    update_chained(walk, innermost, codes_stay, &same))
		return same;
	return update_whole(walk, innermost);
}

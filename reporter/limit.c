#include "limit.h"

#include <math.h>

const char *const limit_kind_names[] = {"unknown", "cgroup", "machine"};

static const struct stream_resident *look_at(const struct profile *profile,
					     const struct moment *moment)
{
	for (size_t i = profile->resident_count; i-- > 0;)
		if ((double)profile->residents[i].time_ns / 1e9 <= moment->seconds + 1)
			return &profile->residents[i];
	return NULL;
}

static uint64_t less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

struct limit limit_at(const struct profile *profile, const struct moment *moment)
{
	const struct stream_resident *look = look_at(profile, moment);
	struct limit limit = {.kind = LIMIT_UNKNOWN};
	if (!look)
		return limit;
	limit.seconds = (double)look->time_ns / 1e9;
	if (look->machine_bytes) {
		limit.kind = LIMIT_MACHINE;
		limit.bytes = look->machine_bytes;
		limit.left_bytes = look->machine_available_bytes;
	}
	const uint64_t used = less(look->cgroup_bytes, look->cgroup_cache_bytes);
	const uint64_t left = less(look->cgroup_limit_bytes, used);
	if (look->cgroup_limit_bytes && (!limit.kind || left <= limit.left_bytes)) {
		limit.kind = LIMIT_CGROUP;
		limit.bytes = look->cgroup_limit_bytes;
		limit.left_bytes = left;
	}
	return limit;
}

static double time_of(uint64_t bytes, double bytes_per_second)
{
	return bytes_per_second > 0 ? (double)bytes / bytes_per_second : INFINITY;
}

struct limit_forecast limit_reached(const struct limit *limit, const struct trend *trend)
{
	return (struct limit_forecast){
		.seconds = time_of(limit->left_bytes, trend->slope),
		.soonest = time_of(limit->left_bytes, trend->high),
		.latest = time_of(limit->left_bytes, trend->low),
	};
}

/*
 * Any bytes as a baseline file. What can be read is the same when its sites are looked up: by
 * key, each found once.
 */
#include <stdlib.h>

#include "../../reporter/gate_baseline.h"
#include "replay_files.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct gate_baseline baseline;
	struct err err = {0};

	if (gate_baseline_parse(bytes, len, "baseline.json", &baseline, &err)) {
		if (err.text[0] == '\0')
			abort();
		return 0;
	}
	for (size_t i = 0; i < baseline.site_count; i++)
		if (gate_baseline_find(&baseline, baseline.sites[i].key) != &baseline.sites[i])
			abort();
	gate_baseline_release(&baseline);
	return 0;
}

#include "gate_noise.h"

#include <math.h>

double gate_noise_of_runs(const struct gate_measure *a, const struct gate_measure *b)
{
	const bool a_known = a->runs >= GATE_NOISE_RUNS, b_known = b->runs >= GATE_NOISE_RUNS;
	if (!a_known && !b_known)
		return 0;
	return GATE_NOISE_MADS * hypot(a_known ? a->mad : b->mad, b_known ? b->mad : a->mad);
}

/* The largest that x^2 / (exp(x) - 1) becomes, for means that are beyond it. */
static double variance_of_block(double x)
{
	const double highest_at = 1.5936;
	x = fmin(x, highest_at);
	return x > 0 ? x * x / expm1(x) : 0;
}

double gate_noise_variance(double bytes, double blocks, unsigned runs, uint64_t sample_bytes)
{
	const double distance = (double)sample_bytes;
	if (sample_bytes == 0 || !(bytes > 0) || runs == 0)
		return 0;
	const double once = blocks > 0 ? blocks * distance * distance *
						 variance_of_block(bytes / blocks / distance)
				       : bytes * distance;
	return once / runs * (runs >= 3 ? M_PI_2 : 1);
}

double gate_noise_deviations(size_t tests)
{
	const double chance = GATE_NOISE_RATE / (double)(tests ? tests : 1);
	double low = 0, high = 38;
	/* Half of what is left at each step: no more is to be had of a double after 60. */
	for (int i = 0; i < 60; i++) {
		const double middle = (low + high) / 2;
		if (erfc(middle * M_SQRT1_2) / 2 > chance)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * gate_noise.h - how much two runs of the same program may differ by chance.
 *
 * Runs: the median absolute deviation (MAD) of one side's runs says how far a run is from the
 * next. The two sides err independently of each other, so their deviations are combined like
 * standard ones, by the root of the sum of squares; GATE_NOISE_MADS of that, two standard
 * deviations of what is normal, is noise. It is a single run's, and more than that of a median:
 * programs differ from day to day more than from run to run. A side with fewer than
 * GATE_NOISE_RUNS runs has no deviation of its own, and is taken to have the other's: it is the
 * same program.
 *
 * Samples: of blocks of s bytes, sampled at a mean distance of T bytes, each that is found
 * stands for s / (1 - exp(-s/T)) bytes. Its variance is T^2 g(s/T), g(x) = x^2 / (exp(x) - 1),
 * which rises up to x = 1.5936 and is concave so far: n blocks of x on the mean have n T^2
 * g(min(x, 1.5936)) at most, whatever their sizes are (Jensen). Where n isn't known, it is the
 * bytes times T at most, as of blocks that are small. The median of n runs has this divided by
 * n, and from three on pi/2 times that.
 */
#ifndef MEMTRACE_GATE_NOISE_H
#define MEMTRACE_GATE_NOISE_H

#include "gate.h"

enum { GATE_NOISE_RUNS = 3, GATE_NOISE_MADS = 3 };

/* Of builds that are as good as their baselines, so many may fail by sampling alone. */
#define GATE_NOISE_RATE 0.001

/* 0: nothing is known of it. */
double gate_noise_of_runs(const struct gate_measure *a, const struct gate_measure *b);

/* Of a sum of bytes, over `runs` runs; sample_bytes 0: none. blocks NAN: not known. */
double gate_noise_variance(double bytes, double blocks, unsigned runs, uint64_t sample_bytes);
/* So many standard deviations chance exceeds in one of 1 / GATE_NOISE_RATE whole families of
 * `tests` tests (Bonferroni). */
double gate_noise_deviations(size_t tests);

#endif

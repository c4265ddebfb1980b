/*
 * trend.h - whether a series of values rises, how fast, and how sure that is.
 *
 * Slope: Theil and Sen's, the median of the slopes between all pairs of points; a few values
 * that are far off don't move it. Its bounds, each one-sided at 95 %, and the test are those of
 * Mann and Kendall with the normal approximation, corrections for ties and continuity
 * (R. O. Gilbert, Statistical Methods for Environmental Pollution Monitoring, 1987, sections
 * 16.4 and 17.3). The test takes the values as independent of each other but for the trend;
 * what grows and stays has none, so whoever asks has to look at more than this (leak_test.h).
 */
#ifndef MEMTRACE_TREND_H
#define MEMTRACE_TREND_H

#include <stdbool.h>
#include <stddef.h>

/* Fewer values say nothing; more are too many pairs. */
enum { TREND_FEWEST = 6, TREND_MOST = 64 };

struct trend {
	double slope; /* units of y per unit of x */
	double low, high;
	double p; /* of a series without a trend rising so clearly by chance */
};

/* x ascending without repeats. false: too few values, or too many. */
bool trend_find(const double *x, const double *y, size_t count, struct trend *ret_trend);
/* The slope alone, of two values or more; 0 where there are fewer. */
double trend_slope(const double *x, const double *y, size_t count);

#endif

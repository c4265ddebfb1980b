#include "trend.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_PAIRS = TREND_MOST * (TREND_MOST - 1) / 2 };

static int by_value(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;
	return (a > b) - (a < b);
}

/* Sorted; as many as there are pairs. */
static size_t slopes_of(const double *x, const double *y, size_t count, double *slopes)
{
	size_t pairs = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			slopes[pairs++] = (y[k] - y[i]) / (x[k] - x[i]);
	qsort(slopes, pairs, sizeof slopes[0], by_value);
	return pairs;
}

static double median(const double *sorted, size_t count)
{
	if (count == 0)
		return 0;
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

/* How many pairs rise less how many fall. */
static double rises(const double *y, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = i + 1; k < count; k++)
			sum += (y[k] > y[i]) - (y[k] < y[i]);
	return sum;
}

static double variance(const double *y, size_t count)
{
	double sorted[TREND_MOST];
	const double n = (double)count;
	double sum = n * (n - 1) * (2 * n + 5);
	for (size_t i = 0; i < count; i++)
		sorted[i] = y[i];
	qsort(sorted, count, sizeof sorted[0], by_value);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && sorted[end] == sorted[i];)
			end++;
		const double ties = (double)(end - i);
		sum -= ties * (ties - 1) * (2 * ties + 5);
	}
	return sum / 18;
}

/* One-sided: of a rise. */
static double chance(double sum, double deviation)
{
	if (deviation <= 0 || sum <= 0)
		return 1;
	return erfc((sum - 1) / deviation / M_SQRT2) / 2;
}

static double at(const double *sorted, size_t count, double rank)
{
	if (rank < 0)
		rank = 0;
	if (rank > (double)(count - 1))
		rank = (double)(count - 1);
	return sorted[(size_t)rank];
}

bool trend_find(const double *x, const double *y, size_t count, struct trend *ret_trend)
{
	static const double one_sided_95 = 1.6448536269514722;
	double slopes[MOST_PAIRS];
	if (count < TREND_FEWEST || count > TREND_MOST)
		return false;
	const size_t pairs = slopes_of(x, y, count, slopes);
	const double deviation = sqrt(variance(y, count));
	const double half = one_sided_95 * deviation;
	*ret_trend = (struct trend){
		.slope = median(slopes, pairs),
		.low = at(slopes, pairs, floor(((double)pairs - half) / 2) - 1),
		.high = at(slopes, pairs, ceil(((double)pairs + half) / 2)),
		.p = chance(rises(y, count), deviation),
	};
	return true;
}

double trend_slope(const double *x, const double *y, size_t count)
{
	double slopes[MOST_PAIRS];
	if (count < 2 || count > TREND_MOST)
		return 0;
	return median(slopes, slopes_of(x, y, count, slopes));
}

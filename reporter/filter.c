#include "filter.h"

#include <stddef.h>

static int compile(const char *option, const char *text, regex_t *pattern,
		   const regex_t **ret_pattern, struct err *err)
{
	char reason[200];
	if (!text)
		return 0;
	const int error = regcomp(pattern, text, REG_EXTENDED | REG_NOSUB);
	if (!error) {
		*ret_pattern = pattern;
		return 0;
	}
	regerror(error, pattern, reason, sizeof reason);
	return err_set(err, "%s: '%s' is no regular expression: %s", option, text, reason);
}

int filter_init(struct filter *filter, const char *focus, const char *ignore, struct err *err)
{
	filter->focus = filter->ignore = NULL;
	if (compile("--focus", focus, &filter->focus_pattern, &filter->focus, err))
		return -1;
	if (compile("--ignore", ignore, &filter->ignore_pattern, &filter->ignore, err)) {
		filter_release(filter);
		return -1;
	}
	return 0;
}

void filter_release(struct filter *filter)
{
	if (filter->focus)
		regfree(&filter->focus_pattern);
	if (filter->ignore)
		regfree(&filter->ignore_pattern);
	filter->focus = filter->ignore = NULL;
}

#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return -1;
	/* Built aside: an argument may point into the sentence that is being replaced. */
	char text[sizeof(err->text)];
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(err->text, text, sizeof(text));
	return -1;
}

int err_prefix(struct err *err, const char *format, ...)
{
	va_list args;

	if (!err)
		return -1;
	char prefix[sizeof(err->text)];
	va_start(args, format);
	vsnprintf(prefix, sizeof(prefix), format, args);
	va_end(args);

	size_t len = strlen(prefix);
	size_t room = sizeof(err->text) - 1;
	if (len + 2 > room)
		len = room - 2;
	size_t kept = strlen(err->text);
	if (kept > room - len - 2)
		kept = room - len - 2;
	memmove(err->text + len + 2, err->text, kept);
	memcpy(err->text, prefix, len);
	memcpy(err->text + len, ": ", 2);
	err->text[len + 2 + kept] = '\0';
	return -1;
}

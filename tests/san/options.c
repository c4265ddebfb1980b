/*
 * options.c - how the sanitizers behave in a sanitised collector or command.
 *
 * The collector runs with no environment and with its standard error closed, so what the
 * sanitizers find goes to files beside the build, where tests/check.py looks for it.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "log_path=" SAN_LOG ":abort_on_error=0:exitcode=97:print_legend=0";
}

const char *__ubsan_default_options(void)
{
	return "log_path=" SAN_LOG ":print_stacktrace=1";
}

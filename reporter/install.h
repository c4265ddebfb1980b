/*
 * install.h - where the other two pieces of memtrace are.
 *
 * Beside this executable, as `make` leaves them, or where `make install` puts them: the library
 * in ../lib, the collector in ../libexec/memtrace. MEMTRACE_COLLECTOR overrides.
 */
#ifndef MEMTRACE_INSTALL_H
#define MEMTRACE_INSTALL_H

#include "../collector/err.h"

/* For the caller to free. */
int install_find_library(char **ret_path, struct err *err);
int install_find_collector(char **ret_path, struct err *err);

#endif

/*
 * module_name.h - what a code object's file says about the code: whose it is, and its module.
 *
 * Heuristics over the path alone: a report is right on a machine that has none of the sources.
 */
#ifndef MEMTRACE_MODULE_NAME_H
#define MEMTRACE_MODULE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The part of a path behind site-packages/, dist-packages/ or the standard library's folder
 * (.../lib/pythonX.Y/, .../pythonXY.zip/); NULL: it is in none of them.
 */
const char *module_installed_part(const char *path);
/*
 * Whether a file is the user's own: not installed, not <frozen ...>, not made by a library out
 * of text. What -c, standard input or a prompt ran (<string>, <stdin>, ...) is the user's.
 */
bool module_is_own(const char *path);
/*
 * The dotted name: `relative` is the path behind the folder that imports start in. "a/b.py" and
 * "a/b.cpython-311-x86_64-linux-gnu.so" are a.b, "a/__init__.py" is a. For the caller to free.
 */
char *module_dotted(const char *relative);

#endif

#include "module_name.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "../collector/mem.h"

/* Behind the last "/FOLDER/" of a path. */
static const char *behind_folder(const char *path, const char *folder)
{
	const char *found = NULL;
	const size_t len = strlen(folder);
	for (const char *at = strstr(path, folder); at; at = strstr(at + 1, folder))
		if (at > path && at[-1] == '/' && at[len] == '/')
			found = at + len + 1;
	return found;
}

/* Of "3.11/json/decoder.py" or "311.zip/json/decoder.py" what follows the first slash. */
static const char *behind_version(const char *at)
{
	const size_t digits = strspn(at, "0123456789.");
	if (digits < 2 || at[0] != '3')
		return NULL;
	at += digits;
	if (*at == 't')
		at++;
	if (strncmp(at, "zip/", 4) == 0)
		at += 3;
	return *at == '/' ? at + 1 : NULL;
}

/* Only under lib/ or lib64/: a project may well live in a folder called python3.11. */
static const char *behind_library(const char *path)
{
	static const char *const starts[] = {"/lib/python", "/lib64/python"};
	const char *found = NULL;
	for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
		for (const char *at = strstr(path, starts[i]); at;
		     at = strstr(at + 1, starts[i])) {
			const char *behind = behind_version(at + strlen(starts[i]));
			found = behind ? behind : found;
		}
	}
	if (found && strncmp(found, "lib-dynload/", 12) == 0)
		found += 12;
	return found;
}

const char *module_installed_part(const char *path)
{
	const char *found = behind_folder(path, "site-packages");
	if (!found)
		found = behind_folder(path, "dist-packages");
	return found ? found : behind_library(path);
}

bool module_is_own(const char *path)
{
	static const char *const own[] = {"<string>", "<stdin>",       "<console>",
					  "<ipython", "<python-input", "<doctest"};
	if (path[0] != '<')
		return !module_installed_part(path);
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (strncmp(path, own[i], strlen(own[i])) == 0)
			return true;
	return false;
}

/* "<frozen importlib._bootstrap>" names its module itself. */
static char *from_brackets(const char *text)
{
	static const char frozen[] = "<frozen ";
	const size_t len = strlen(text);
	if (strncmp(text, frozen, sizeof frozen - 1) != 0 || text[len - 1] != '>')
		return mem_text(text);
	char *name = mem_text(text + sizeof frozen - 1);
	name[len - sizeof frozen] = '\0';
	return name;
}

char *module_dotted(const char *relative)
{
	if (relative[0] == '<')
		return from_brackets(relative);
	char *name = mem_text(relative);
	char *base = strrchr(name, '/');
	base = base ? base + 1 : name;
	/* A leading dot is part of the name. */
	char *dot = *base ? strchr(base + 1, '.') : NULL;
	if (dot)
		*dot = '\0';
	if (strcmp(base, "__init__") == 0 && base > name)
		base[-1] = '\0';
	for (char *at = name; *at; at++)
		if (*at == '/')
			*at = '.';
	return name;
}

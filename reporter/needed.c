#include "needed.h"

#include <gelf.h>
#include <string.h>

static bool section_has(Elf *elf, Elf_Scn *section, const GElf_Shdr *header, const char *begin)
{
	Elf_Data *data = elf_getdata(section, NULL);
	GElf_Dyn entry;
	for (int i = 0; data && gelf_getdyn(data, i, &entry); i++) {
		const char *name = entry.d_tag == DT_NEEDED
					   ? elf_strptr(elf, header->sh_link, entry.d_un.d_val)
					   : NULL;
		if (name && strncmp(name, begin, strlen(begin)) == 0)
			return true;
	}
	return false;
}

bool needed_begins(int fd, const char *begin)
{
	elf_version(EV_CURRENT);
	Elf *elf = elf_begin(fd, ELF_C_READ, NULL);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	bool found = false;
	while (!found && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNAMIC)
			found = section_has(elf, section, &header, begin);
	elf_end(elf);
	return found;
}

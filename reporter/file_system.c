#include "file_system.h"

#include <linux/magic.h>
#include <stddef.h>

static const char of_network[] = "the ring can't be guaranteed on a network file system";
static const char of_user[] = "the ring can't be guaranteed on a FUSE file system";
static const char of_copies[] = "copy-on-write: a full disk may stop the program";

static const struct file_system known[] = {
	{TMPFS_MAGIC, "tmpfs", "what is there counts as memory, and is gone with the machine",
	 false},
	{NFS_SUPER_MAGIC, "nfs", of_network, true},
	{0xff534d42, "cifs", of_network, true},
	{0x01021997, "9p", of_network, true},
	{0x65735546, "fuse", of_user, true},
	{BTRFS_SUPER_MAGIC, "btrfs", of_copies, true},
	{0x2fc12fc1, "zfs", of_copies, true},
	{OVERLAYFS_SUPER_MAGIC, "overlay", NULL, false},
	{EXT4_SUPER_MAGIC, "ext4", NULL, false},
	{0x58465342, "xfs", NULL, false},
};

const struct file_system *file_system_of(uint64_t magic)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if ((uint32_t)magic == known[i].magic)
			return &known[i];
	return NULL;
}

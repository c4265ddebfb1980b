#include "memory.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *memory_get(size_t bytes)
{
	int saved = errno;
	/* The system call itself: mmap's name leads to our own hook. */
	long at = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);

	errno = saved;
	return at == -1 ? NULL : (void *)at;
}

void memory_drop(void *memory, size_t bytes)
{
	int saved = errno;

	syscall(SYS_munmap, memory, bytes);
	errno = saved;
}

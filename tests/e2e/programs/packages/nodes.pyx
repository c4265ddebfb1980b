# cython: language_level=3, freelist=8
"""Objects with memory of the C library's, for test_packages.py: made with the GIL and without it."""

from libc.stdlib cimport calloc, free, malloc, realloc
from libc.stdint cimport uintptr_t


cdef class Node:
    cdef unsigned char *memory
    cdef readonly size_t size
    cdef object link

    def __cinit__(self, size_t size, link=None):
        self.memory = <unsigned char *>malloc(size // 2)
        self.memory = <unsigned char *>realloc(self.memory, size)
        self.size = size
        self.link = link

    def __dealloc__(self):
        free(self.memory)

    @property
    def address(self):
        return <uintptr_t>self.memory


def make(int count, size_t size):
    """A list of nodes; in a callback's name each is made twice, and one of them dropped."""
    made = []
    for i in range(count):
        Node(size)
        made.append(Node(size + i))
    return made


def churn(int rounds):
    """Blocks made and freed without the GIL. Returns how many."""
    cdef long made = 0
    cdef int i
    cdef void *block
    with nogil:
        for i in range(rounds):
            block = calloc(1, 1 + i % 3000)
            if block != NULL:
                made += 1
            free(block)
    return made


def generate(int count):
    for i in range(count):
        yield Node(100 + i, link=[i])

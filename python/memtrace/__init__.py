"""Talks to libmemtrace.so from the program that it traces; without the library nothing happens.

The library is reached as a part of this process, never loaded: a second copy, loaded late, would trace
nothing. A program can therefore keep its calls of this module where it runs untraced.
"""

import ctypes
import functools
import gc
import inspect
import os

__all__ = ["is_active", "mark", "pause", "region", "resume"]


def _exported(name, *argument_types, result=None):
    """The library's function, or None in a process without it."""
    function = getattr(ctypes.CDLL(None), name, None)
    if function is not None:
        function.argtypes = argument_types
        function.restype = result
    return function


_mark = _exported("memtrace_mark", ctypes.c_char_p)
_active = _exported("memtrace_active", result=ctypes.c_int)
_pause = _exported("memtrace_pause")
_resume = _exported("memtrace_resume")


def is_active():
    """Whether this process is being traced."""
    return bool(_active and _active())


# Set by `memtrace gate`: what is cyclic garbage at a mark would be another thing with each edit.
_collects = os.environ.get("MEMTRACE_COLLECT", "0") not in ("", "0")


def mark(name):
    """Names this moment. A name used again is NAME#2, NAME#3, ... in reports.

    With MEMTRACE_COLLECT=1 cyclic garbage is collected first."""
    if _mark:
        if _collects and is_active():
            gc.collect()
        _mark(str(name).encode("utf-8", "replace"))


def pause():
    """Stops the recording of allocations; frees go on being recorded."""
    if _pause:
        _pause()


def resume():
    """Takes up the recording of allocations after `pause`."""
    if _resume:
        _resume()


class region:  # lower case, since it is used like a function
    """Marks `NAME.begin` and `NAME.end` around a block or a function, sync or async:

        with memtrace.region("load"): ...

        @memtrace.region("load")
        async def load(): ...

    `memtrace report --from NAME.begin --to NAME.end` then tells what it left. The end is marked after an
    exception too.
    """

    def __init__(self, name):
        self.name = str(name)

    def __enter__(self):
        mark(self.name + ".begin")
        return self

    def __exit__(self, *exception):
        mark(self.name + ".end")
        return False

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, *exception):
        return self.__exit__(*exception)

    def __call__(self, function):
        if inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def inside(*args, **kwargs):
                with self:
                    return await function(*args, **kwargs)
        elif inspect.isasyncgenfunction(function) or inspect.isgeneratorfunction(function):
            raise TypeError("memtrace.region: a generator runs in pieces; use `with region(...)` inside it")
        else:
            @functools.wraps(function)
            def inside(*args, **kwargs):
                with self:
                    return function(*args, **kwargs)
        return inside

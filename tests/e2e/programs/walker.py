"""Allocates kept blocks everywhere Python code can run, and says for each which frames ran.

    walker.py OUT.json

Every `note(FILL * n)` makes one bytes object, whose block is at its id, and records the chain of
frames at that very line as sys._getframe shows it.
"""

import asyncio
import ctypes
import functools
import gc
import hashlib
import json
import os
import re
import sys
import threading
import weakref

FILL = b"."
KEPT = []
SEEN = []
LIBC = ctypes.CDLL(None)
LIBC.malloc.restype = ctypes.c_void_p
LIBC.malloc.argtypes = [ctypes.c_size_t]


def chain_from(frame):
    chain = []
    while frame is not None:
        code = frame.f_code
        # Until 3.10 a code object knows no more than the plain name.
        name = getattr(code, "co_qualname", code.co_name)
        chain.append((code.co_filename, name, frame.f_lineno))
        frame = frame.f_back
    return chain


def note(block):
    KEPT.append(block)
    SEEN.append((id(block), sys.getsizeof(block), chain_from(sys._getframe(1))))
    return block


def note_address(address, size):
    SEEN.append((address, size, chain_from(sys._getframe(1))))


def recursion(depth):
    note(FILL * 40)
    if depth:
        recursion(depth - 1)
        note(FILL * 600)


def lambdas():
    make = lambda n: note(FILL * n)  # noqa: E731
    twice = lambda n: (make(n), (lambda m: note(FILL * m))(n + 1))  # noqa: E731
    for n in range(30, 50):
        twice(n)


def comprehensions():
    [note(FILL * n) for n in range(30, 50)]
    {note(FILL * n) for n in range(50, 60)}
    {n: note(FILL * n) for n in range(60, 70)}
    list(note(FILL * n) for n in range(70, 80))
    [[note(FILL * (n + m)) for m in range(30, 33)] for n in range(5)]
    [
        note(FILL * n)
        for n in range(30, 35)
    ]


def generators():
    def inner(n):
        for i in range(n):
            note(FILL * (30 + i))
            yield i
        note(FILL * 99)

    def outer(n):
        note(FILL * 35)
        yield from inner(n)
        note(FILL * 36)
        yield from inner(2)

    for _ in outer(10):
        note(FILL * 37)
    half = outer(4)
    next(half)
    half.close()
    sent = (note(FILL * (x or 40)) for x in [31, 32, 33])
    sum(len(b) for b in sent)


def coroutines():
    async def leaf(n):
        note(FILL * (30 + n))
        await asyncio.sleep(0)
        note(FILL * (60 + n))

    async def ticks(n):
        for i in range(n):
            note(FILL * 44)
            yield i
            await asyncio.sleep(0)

    class Lock:
        async def __aenter__(self):
            note(FILL * 45)

        async def __aexit__(self, *args):
            note(FILL * 46)

    async def middle(n):
        async with Lock():
            await leaf(n)
        async for i in ticks(3):
            note(FILL * (50 + i))
        [note(FILL * 51) async for _ in ticks(2)]

    async def main():
        await asyncio.gather(*(middle(n) for n in range(10)))

    asyncio.run(main())


def class_bodies():
    for n in range(5):
        class Body:
            attribute = note(FILL * (30 + n))

            class Nested:
                attribute = note(FILL * 36)

            def __init_subclass__(cls):
                note(FILL * 37)

        class Sub(Body):
            pass

    class Meta(type):
        def __new__(mcs, name, bases, space):
            note(FILL * 38)
            return super().__new__(mcs, name, bases, space)

        def __call__(cls):
            note(FILL * 39)
            return super().__call__()

    class Made(metaclass=Meta):
        def __init__(self):
            note(FILL * 41)

    Made()


class Descriptor:
    def __set_name__(self, owner, name):
        note(FILL * 30)

    def __get__(self, instance, owner):
        return note(FILL * 31)

    def __set__(self, instance, value):
        note(FILL * 32)


class Dunder:
    field = Descriptor()

    def __getattr__(self, name):
        return note(FILL * 33)

    def __getitem__(self, key):
        return note(FILL * 34)

    def __len__(self):
        note(FILL * 35)
        return 3

    def __bool__(self):
        note(FILL * 36)
        return True

    def __eq__(self, other):
        note(FILL * 37)
        return True

    def __lt__(self, other):
        note(FILL * 38)
        return False

    def __hash__(self):
        note(FILL * 39)
        return 7

    def __add__(self, other):
        return note(FILL * 40)

    def __contains__(self, item):
        note(FILL * 41)
        return True

    def __iter__(self):
        note(FILL * 42)
        return iter(())

    def __call__(self, *args, **kwargs):
        return note(FILL * 43)

    def __repr__(self):
        note(FILL * 44)
        return "Dunder"

    def __enter__(self):
        note(FILL * 45)

    def __exit__(self, *args):
        note(FILL * 46)

    @property
    def computed(self):
        return note(FILL * 47)

    @functools.lru_cache
    def cached(self, n):
        return note(FILL * 48)

    @classmethod
    def of_class(cls):
        return note(FILL * 49)


def dunders():
    for n in range(20):
        d = Dunder()
        d.field
        d.field = 1
        d.missing
        d[n]
        len(d)
        if d:
            d == d
        d < d
        hash(d)
        d + d
        n in d
        list(d)
        d(1, x=2, *(), **{})
        repr(d)
        f"{d!r:>20}"
        with d:
            note(FILL * 50)
        d.computed
        d.cached(n)
        Dunder.of_class()
        {d: 1}[d]
        max(d, d)


class Finalised:
    def __init__(self):
        self.me = self

    def __del__(self):
        note(FILL * 30)


def collected():
    for _ in range(20):
        Finalised()
    gc.collect()

    def gone(reference):
        note(FILL * 31)

    class Target:
        pass

    for _ in range(10):
        target = Target()
        reference = weakref.ref(target, gone)
        weakref.finalize(target, lambda: note(FILL * 32))
        del target
        del reference
    plain = Finalised()
    plain.me = None
    del plain


def callbacks():
    sorted(range(20), key=lambda n: len(note(FILL * (30 + n))))
    sorted(range(10), key=functools.cmp_to_key(lambda a, b: len(note(FILL * 50)) * 0 + a - b))
    list(map(lambda n: note(FILL * n), range(30, 40)))
    list(filter(lambda n: note(FILL * n), range(30, 40)))
    functools.reduce(lambda a, b: note(FILL * 41), range(5))
    compare_type = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)

    def compare(a, b):
        note(FILL * 42)
        return 0

    array = (ctypes.c_int * 16)(*range(16))
    LIBC.qsort(array, 16, 4, compare_type(compare))
    re.sub("a", lambda match: note(FILL * 43).decode(), "banana")
    json.loads('[{"a": 1}, {"b": 2}]', object_hook=lambda d: note(FILL * 44))


def threads():
    def work(n):
        for i in range(50):
            note(FILL * (30 + i))
        recursion(n)

    pool = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()


def odd_file_names():
    source = ("def f(n):\n    return g(n)\n\n"
              "def g(n):\n    note(FILL * n)\n    return [note(FILL * m) for m in (31, 32)]\n\n"
              "f(40)\n")
    for name in ("plain.py", "", "with space.py", "na\u00efve.py", "\u043c\u043e\u0434\u0443\u043b\u044c.py",
                 "\U0001f40d.py", "<string>", "a" * 3000 + ".py", "quo\"te\\.py"):
        exec(compile(source, name, "exec"), {"note": note, "FILL": FILL})
    exec("note(FILL * 33)\nclass \u0416: x = note(FILL * 34)\n", {"note": note, "FILL": FILL})
    eval("note(FILL * 35)", {"note": note, "FILL": FILL})
    far = "\n" * 70000 + "def f():\n" + "\n" * 300 + "    note(FILL * 36)\n\nf()\n"
    exec(compile(far, "far.py", "exec"), {"note": note, "FILL": FILL})
    many = ("def f(n):\n    x = (\n        n,\n" + "        n + 1,\n" * 300
            + "        note(FILL * 37))\nf(1)\n")
    exec(compile(many, "many.py", "exec"), {"note": note, "FILL": FILL})


def traced():
    def tracer(frame, event, arg):
        if frame.f_code.co_name == "observed":
            note(FILL * 30)
        return tracer

    def observed(n):
        note(FILL * 31)
        for i in range(n):
            note(FILL * 32)
        return n

    sys.settrace(tracer)
    observed(10)
    sys.settrace(None)
    sys.setprofile(tracer)
    observed(10)
    sys.setprofile(None)


def monitored():
    if not hasattr(sys, "monitoring"):
        return
    events = sys.monitoring.events
    sys.monitoring.use_tool_id(3, "walker")

    def on_line(code, line):
        if code.co_name == "observed":
            note(FILL * 30)

    def on_start(code, offset):
        if code.co_name == "observed":
            note(FILL * 31)

    def observed(n):
        note(FILL * 32)
        for i in range(n):
            note(FILL * 33)
        return n

    sys.monitoring.register_callback(3, events.LINE, on_line)
    sys.monitoring.register_callback(3, events.PY_START, on_start)
    sys.monitoring.set_events(3, events.LINE | events.PY_START)
    observed(10)
    sys.monitoring.set_events(3, 0)
    sys.monitoring.free_tool_id(3)


def hot_loops():
    class Point:
        def __init__(self, x):
            self.x = x

        def grow(self):
            self.x += 1
            return note(FILL * (30 + self.x % 50))

    def add(a, b):
        note(FILL * 31)
        return a + b

    point = Point(0)
    total = 0
    for n in range(1000):
        point.grow()
        total = add(total, n)
        if n % 3 == 0:
            note(FILL * 33)
        elif n % 3 == 1:
            note(FILL * 34)


def exceptions():
    def raises(n):
        try:
            if n == 0:
                raise ValueError("x")
            raises(n - 1)
        except ValueError:
            note(FILL * 30)
            raise
        finally:
            note(FILL * 31)

    for n in range(10):
        try:
            raises(n)
        except ValueError as error:
            note(FILL * 32)
            del error
    # Syntax of 3.11: compiled apart, so that older versions can read this file.
    if sys.version_info >= (3, 11):
        exec("try:\n    raise ExceptionGroup('g', [ValueError(1)])\n"
             "except* ValueError:\n    note(FILL * 33)\n", {"note": note, "FILL": FILL})


def without_the_gil():
    """ctypes and hashlib let go of the GIL: malloc is called with nobody holding it for us."""
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            hashlib.sha256(b"." * 5000).digest()

    thread = threading.Thread(target=busy)
    thread.start()

    def deep(n):
        if n:
            return deep(n - 1)
        for _ in range(200):
            note_address(LIBC.malloc(777), 777)

    deep(50)
    stop.set()
    thread.join()


def deep_recursion():
    sys.setrecursionlimit(20000)

    def down(n):
        if n == 0:
            note(FILL * 30)
            return [note(FILL * 31) for _ in range(2)]
        return down(n - 1)

    down(3000)


STAGES = (lambdas, comprehensions, generators, coroutines, class_bodies, dunders, collected, callbacks,
          threads, odd_file_names, traced, monitored, hot_loops, exceptions, without_the_gil,
          deep_recursion)


def main(path):
    recursion(100)
    for stage in STAGES:
        stage()
    with open(path, "w") as out:
        json.dump(SEEN, out)


main(sys.argv[1])
# No teardown, which would free what is to be compared.
os._exit(0)

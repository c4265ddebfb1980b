"""Programs whose lines are known to leak, to fill up, or to do neither: made by chance, from a seed.

Each part of a program allocates on one line, whose comment says what that line is by construction. A program has
one main part, which gives it its kind, and up to three others that are no leaks. Sizes, rates and moments are
drawn from the seed, so a seed always makes the same program, and the program's own noise is the same, too.
"""

import collections
import random

# What a line is may be called so by the report: its "trend". Lines without a comment are the program's rest.
RIGHT_TRENDS = {
    "leak": {"leaks"},
    "cache": {"fills", "none"},
    "none": {"none", "fills"},
}
# And a program by the verdict. "high-water" and "outside" are finer words for "none" and for a leak in C. Arenas
# that a burst of small blocks needed are truly kept by whatever else lies in them.
RIGHT_VERDICTS = {
    "leak": {"leak"},
    "c_leak": {"leak", "outside"},
    "cache": {"cache", "none"},
    "none": {"none", "cache"},
    "high_water": {"none", "cache", "high-water", "fragmentation"},
    "fragmentation": {"fragmentation"},
}

KIB = 1 << 10
Program = collections.namedtuple("Program", "seed main kind marked workers text")

HEAD = """\
import collections, ctypes, functools, mmap, os, random, sys, time
FILL = b"."
rng = random.Random({seed})
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.malloc.argtypes = [ctypes.c_size_t]
parts = []
"""

TAIL = """
def run(steps):
    for turn in range({turns}):
        for step in steps:
            step(turn)
        if {marked} and hasattr(library, "memtrace_mark"):
            library.memtrace_mark(b"iteration")
        time.sleep({pause})
"""

ALONE = """
run(parts)
"""

# The main part runs in one of them alone.
WORKERS = """
workers = []
for number in range({workers}):
    pid = os.fork()
    if pid == 0:
        rng.seed({seed} + number)
        run(parts if number == {leaking} else parts[1:])
        sys.exit()
    workers.append(pid)
for pid in workers:
    os.waitpid(pid, 0)
print("leaks:", workers[{leaking}])
"""


class Maker:
    """Draws the parts of one program."""

    def __init__(self, seed, turns):
        self.rng = random.Random(seed)
        self.turns = turns
        self.count = 0
        self.texts = []

    def add(self, text, **values):
        self.count += 1
        lines = text.strip("\n").replace("_I", f"_{self.count}")
        for name, value in values.items():
            lines = lines.replace(f"<{name}>", str(value))
        self.texts.append(f"\n{lines}\nparts.append(step_{self.count})\n")

    def between(self, low, high):
        """Even in the logarithm."""
        return int(low * (high / low) ** self.rng.random())

    def sizes(self, low=200, high=20_000):
        """Of blocks: the mean, and a range around it as a program's text."""
        mean = self.between(low, high)
        spread = self.rng.choice((0.02, 0.3, 0.9))
        return mean, f"rng.randrange({int(mean * (1 - spread))}, {int(mean * (1 + spread)) + 1})"

    def part_of_turns(self, low, high):
        return int(self.turns * self.rng.uniform(low, high))

    def leaked(self):
        """How much a leak takes in all: three times the least that is tested, or more."""
        return self.between(256 * KIB, 8 << 20)

    def leak(self):
        """So many blocks at each turn, or at one of a few."""
        mean, size = self.sizes()
        every = self.rng.randrange(1, max(2, self.turns // 12) + 1)
        blocks = max(1, self.leaked() * every // (self.turns * mean))
        self.add("""
kept_I = []
def step_I(turn):
    if turn % <every> == 0:
        for _ in range(<blocks>):
            kept_I.append(FILL * <size>)  # truth: leak
""", size=size, blocks=blocks, every=every)

    def leak_among_others(self):
        """Of what the line makes, one in so many stays; the others wait a while and go."""
        mean, size = self.sizes(high=5_000)
        share = self.rng.choice((0.05, 0.2, 0.5))
        blocks = max(4, int(self.leaked() / (self.turns * mean * share)))
        self.add("""
kept_I, recent_I = [None] * <most>, collections.deque(maxlen=<waiting>)
count_I = 0
def step_I(turn):
    global count_I
    for _ in range(<blocks>):
        block = FILL * <size>  # truth: leak
        recent_I.append(block)
        if rng.random() < <share>:
            kept_I[count_I] = block
            count_I += 1
""", size=size, blocks=blocks, share=share, most=blocks * self.turns, waiting=self.rng.randrange(1, blocks + 1))

    def leak_by_chance(self):
        """At a turn, sometimes."""
        mean, size = self.sizes(low=2_000)
        often = self.rng.uniform(0.3, 0.8)
        self.add("""
kept_I = []
def step_I(turn):
    if rng.random() < <often>:
        for _ in range(<blocks>):
            kept_I.append(FILL * <size>)  # truth: leak
""", size=size, often=f"{often:.2f}", blocks=max(1, int(self.leaked() / (self.turns * mean * often))))

    def c_leak(self):
        """By malloc, and by mmap, as an extension would."""
        mean, size = self.sizes(low=1_000)
        self.add("""
def step_I(turn):
    for _ in range(<blocks>):
        library.malloc(<size>)  # truth: leak
""", size=size, blocks=max(1, self.leaked() // (self.turns * mean)))

    def mapping_leak(self):
        self.add("""
areas_I = [None] * <turns>
def step_I(turn):
    areas_I[turn] = mmap.mmap(-1, <pages> * mmap.PAGESIZE)  # truth: leak
""", turns=self.turns, pages=self.rng.randrange(4, 33))

    def cache_by_key(self):
        """Keys drawn evenly: fills by 1 - exp(-t / tau), tau up to a quarter of the run."""
        mean, size = self.sizes()
        keys = max(40, self.leaked() // mean)
        tau = self.turns * self.rng.uniform(0.04, 0.25)
        self.add("""
cache_I = {}
def step_I(turn):
    for _ in range(<draws>):
        key = rng.randrange(<keys>)
        if key not in cache_I:
            cache_I[key] = FILL * <size>  # truth: cache
""", size=size, keys=keys, draws=max(1, round(keys / tau)))

    def cache_of_recent(self):
        """Grows evenly to its bound, then takes out as many as come in."""
        mean, size = self.sizes()
        bound = max(20, self.leaked() // mean)
        blocks = max(1, round(bound / self.part_of_turns(0.1, 0.6)))
        self.add("""
@functools.lru_cache(maxsize=<bound>)
def load_I(key):
    return FILL * <size>  # truth: cache
def step_I(turn):
    for number in range(<blocks>):
        load_I(turn * <blocks> + number)  # truth: cache
""", size=size, bound=bound, blocks=blocks)

    def sawtooth(self):
        """Collects, and lets go of all: six times or more."""
        mean, size = self.sizes()
        period = self.rng.randrange(2, max(3, self.turns // 6) + 1)
        self.add("""
batch_I = []
until_I = <period>
def step_I(turn):
    global until_I
    for _ in range(<blocks>):
        batch_I.append(FILL * <size>)  # truth: none
    if turn >= until_I:
        batch_I.clear()
        until_I = turn + rng.randrange(<period> // 2 + 1, <period> + 1)
""", size=size, period=period, blocks=max(1, self.leaked() // (mean * period)))

    def backlog(self):
        """A queue by chance: so many come, a part of those that wait go."""
        mean, size = self.sizes()
        rate = self.rng.uniform(0.3, 0.8)
        self.add("""
queue_I = collections.deque()
def step_I(turn):
    for _ in range(rng.randrange(2 * <blocks> + 1)):
        queue_I.append(FILL * <size>)  # truth: none
    for _ in range(int(len(queue_I) * <rate>)):
        queue_I.popleft()
""", size=size, rate=f"{rate:.2f}", blocks=max(2, int(self.leaked() / mean * rate)))

    def warm_up(self):
        mean, size = self.sizes()
        turns = max(1, self.part_of_turns(0.02, 0.3))
        self.add("""
tables_I = []
def step_I(turn):
    if turn < <turns>:
        for _ in range(<blocks>):
            tables_I.append(FILL * <size>)  # truth: none
""", size=size, turns=turns, blocks=max(1, self.leaked() // (mean * turns)))

    def high_water(self):
        """Much for a while in the middle of the run."""
        mean, size = self.sizes()
        begin, end = self.part_of_turns(0.1, 0.45), self.part_of_turns(0.5, 0.85)
        blocks = max(1, self.between(1 << 20, 32 << 20) // (mean * (end - begin)))
        self.add("""
burst_I = []
def step_I(turn):
    if <begin> <= turn < <end>:
        for _ in range(<blocks>):
            burst_I.append(FILL * <size>)  # truth: none
    elif turn == <end>:
        burst_I.clear()
""", size=size, begin=begin, end=end, blocks=blocks)

    def one_step(self):
        """A table that is loaded once, and a larger one instead of it later on."""
        first = self.between(200 * KIB, 1 << 20)
        self.add("""
table_I = None
def step_I(turn):
    global table_I
    if turn in (0, <when>):
        table_I = FILL * (<first> if turn == 0 else <second>)  # truth: none
""", when=self.part_of_turns(0.3, 0.95), first=first, second=int(first * self.rng.uniform(1.2, 4)))

    def replaced(self):
        """A pool of buffers of changing size."""
        mean, size = self.sizes()
        blocks = max(2, self.leaked() // mean)
        self.add("""
buffers_I = [None] * <blocks>
def step_I(turn):
    for _ in range(<changes>):
        buffers_I[rng.randrange(<blocks>)] = FILL * <size>  # truth: none
    if turn == 0:
        buffers_I[:] = [FILL * <size> for _ in buffers_I]
""", size=size, blocks=blocks, changes=max(1, int(blocks * self.rng.uniform(0.1, 2))))

    def fragmentation(self):
        """Many small blocks, of which a few stay."""
        self.add("""
pins_I = []
def step_I(turn):
    if turn == <when>:
        items = [FILL * 60 for _ in range(<blocks>)]  # truth: none
        pins_I[:] = items[::<every>]
""", when=self.part_of_turns(0.02, 0.8), blocks=self.rng.randrange(400_000, 500_000),
                 every=self.rng.randrange(400, 1000))


LEAKS = ("leak", "leak_among_others", "leak_by_chance")
OTHERS = ("cache_by_key", "cache_of_recent", "sawtooth", "backlog", "warm_up", "one_step", "replaced")
KINDS = {**dict.fromkeys(LEAKS, "leak"), "workers": "leak", "c_leak": "c_leak", "mapping_leak": "c_leak",
         "cache_by_key": "cache", "cache_of_recent": "cache", "high_water": "high_water",
         "fragmentation": "fragmentation",
         **dict.fromkeys(("sawtooth", "backlog", "warm_up", "one_step", "replaced"), "none")}


def make(seed, marked=True, main=None):
    """The kinds come in turns. Without marks a run has to last for windows of time: twelve seconds."""
    main = main or list(KINDS)[seed % len(KINDS)]
    rng = random.Random(seed * 2 + 1)
    turns = rng.randrange(30, 150) if marked else rng.randrange(60, 400)
    maker = Maker(seed, turns)
    workers = rng.randrange(3, 6) if main == "workers" else 0
    getattr(maker, rng.choice(LEAKS) if workers else main)()
    for _ in range(rng.randrange(4)):
        getattr(maker, rng.choice(OTHERS))()
    values = {"seed": seed, "turns": turns, "marked": marked, "pause": 0 if marked else round(12 / turns, 4),
              "workers": workers, "leaking": rng.randrange(workers) if workers else 0}
    text = "".join((HEAD.format(**values), *maker.texts, TAIL.format(**values),
                    (WORKERS if workers else ALONE).format(**values)))
    return Program(seed, main, KINDS[main], marked, workers, text)


def lines_of(program):
    """line -> what it is by construction."""
    marker = "# truth: "
    return {number: line.split(marker)[1] for number, line in enumerate(program.text.splitlines(), 1)
            if marker in line}

# memtrace: `make`, `make demo`, `make check`; `make help` lists the rest.

ifeq ($(origin CC),default)
CC := gcc
endif
# V=1 shows whole commands.
V ?=
Q := $(if $(V),,@)
SAN ?=
WERROR ?=
O ?= build$(if $(SAN),/san)
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= python3
, := ,

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wimplicit-fallthrough $(if $(WERROR),-Werror)
COMMON := -D_GNU_SOURCE -O2 -g -MMD -MP -DMEMTRACE_VERSION='"$(VERSION)"'
BASE := -std=gnu17 $(WARN) $(COMMON)
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer)

# The shim is never sanitised: it lives in a program that isn't.
SHIM_CFLAGS := $(BASE) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-builtin-malloc
SHIM_LDFLAGS := -shared -Wl,-z,defs -Wl,-z,now -Wl,--version-script=preload/libmemtrace.map
PROG_CFLAGS := $(BASE) $(SANFLAGS)
PROG_LDFLAGS := $(SANFLAGS)
# One file is C++, for its library: without exceptions, and its runtime inside the program.
CXX_FLAGS := -std=gnu++17 -Wall -Wextra -Wshadow $(if $(WERROR),-Werror) -fno-exceptions $(COMMON) $(SANFLAGS)
CXX_LIBS ?= -l:libstdc++.a -static-libgcc
ZSTD_LIBS ?= -l:libzstd.a
REPORTER_LIBS ?= -ljansson -ldw -lelf $(CXX_LIBS)

shim_src := $(sort $(wildcard preload/*.c))
collector_src := $(sort $(wildcard collector/*.c))
reporter_src := $(sort $(wildcard reporter/*.c))
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
cxx_obj := $(O)/obj/reporter/toml_file.o
base_obj := $(call obj,$(filter-out collector/main.c,$(collector_src)))
# The programs find their sanitizers' options in themselves: the collector has no environment.
san_obj := $(if $(SAN),$(call obj,tests/san/options.c))

all: $(O)/libmemtrace.so $(O)/memtrace-collector $(O)/memtrace

$(O)/libmemtrace.so: $(call obj,$(shim_src)) preload/libmemtrace.map
	@echo '  LD  $@'
	$(Q)$(CC) $(SHIM_LDFLAGS) -o $@ $(filter %.o,$^)

$(O)/memtrace-collector: $(call obj,collector/main.c) $(base_obj) $(san_obj)
	@echo '  LD  $@'
	$(Q)$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS)

$(O)/memtrace: $(call obj,$(reporter_src)) $(cxx_obj) $(base_obj) $(san_obj)
	@echo '  LD  $@'
	$(Q)$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(REPORTER_LIBS) -lm

$(O)/obj/preload/%.o: preload/%.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)$(CC) $(SHIM_CFLAGS) -c -o $@ $<

$(O)/obj/tests/san/options.o: PROG_CFLAGS += -DSAN_LOG='"$(abspath $(O))/san-log"'

$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)$(CC) $(PROG_CFLAGS) -c -o $@ $<

$(cxx_obj): $(O)/obj/%.o: %.cc
	@mkdir -p $(@D)
	@echo '  CXX $<'
	$(Q)$(CXX) $(CXX_FLAGS) -c -o $@ $<

# Unit tests: tests/unit/test_NAME.c, one program each. Each takes what it calls out of an archive of
# the collector and the reporter, both without their main.
unit_src := $(sort $(wildcard tests/unit/test_*.c))
unit_bin := $(patsubst tests/unit/%.c,$(O)/unit/%,$(unit_src))
modules := $(base_obj) $(call obj,$(filter-out reporter/main.c,$(reporter_src))) $(cxx_obj)

$(O)/modules.a: $(modules)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(O)/unit/test_%: $(O)/obj/tests/unit/test_%.o $(O)/modules.a
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(REPORTER_LIBS) -lcmocka -lm

# Of the library only parts by name: the whole would interpose malloc.
$(O)/unit/test_words: $(call obj,preload/words.c)
$(O)/unit/test_call: $(call obj,preload/call.c)
$(O)/unit/test_pool: $(call obj,preload/pool.c)
$(O)/unit/test_walk: $(call obj,preload/walk.c)
$(O)/unit/test_gc_clock: $(call obj,preload/gc_clock.c)
$(O)/unit/test_arena_list: $(call obj,preload/arenas.c preload/memory.c)
$(O)/unit/test_touched: $(call obj,preload/touched.c)
$(O)/unit/test_malloc_info: $(call obj,preload/malloc_info.c)
$(O)/unit/test_options: $(call obj,preload/options.c preload/say.c preload/words.c)

# Races: many threads in the library's own modules, all but those that interpose.
race_src := $(filter-out $(patsubst %,preload/%_hooks.c,malloc mmap process wait),$(shim_src))
race_names := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_race_*.c))

$(race_names:%=$(O)/unit/%): $(O)/unit/%: $(O)/obj/tests/unit/%.o $(call obj,$(race_src))
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(PROG_LDFLAGS) -o $@ $^ -lcmocka

# The same under ThreadSanitizer, which knows no fences: what they order is atomic here. It wants addresses
# where they used to be, which setarch -R sees to.
tsan_bin := $(race_names:%=$(O)/tsan/%)
tsan_obj := $(patsubst %.c,$(O)/tsan/obj/%.o,$(filter-out preload/memory.c,$(race_src)) tests/tsan/memory.c)

$(O)/tsan/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)$(CC) $(BASE) -fsanitize=thread -Wno-tsan -c -o $@ $<

$(tsan_bin): $(O)/tsan/%: $(O)/tsan/obj/tests/unit/%.o $(tsan_obj)
	@echo '  LD  $@'
	$(Q)$(CC) -fsanitize=thread -o $@ $^ -lcmocka

tsan: $(tsan_bin)
	@for t in $(tsan_bin); do setarch -R $$t || exit 1; done

unit: $(unit_bin)
	@for t in $(unit_bin); do $$t || exit 1; done

# What a cross compiler can do without the other system's libraries: the library, all else unlinked.
objects: $(O)/libmemtrace.so $(base_obj) $(call obj,collector/main.c $(reporter_src))

# Checking. The build of its own is there for -Werror and for sanitizers, and leaves yours alone.
# Where CI is set, the compiler for aarch64 comes too; elsewhere its test is skipped without it.
check:
	@scripts/deps check $(if $(CI),cross)
	@[ "$(DEPS)" = no ] || scripts/interpreters || true
	+@$(MAKE) --no-print-directory WERROR=1 O=$(O)/check check-run

check-long: export MEMTRACE_TEST_LONG = 1
check-long: check

check-run: all $(unit_bin) $(tsan_bin)
	@MEMTRACE_BUILD=$(O) tests/check.py $(TESTS)

# Programs of known kind, and how many of them the report tells wrong. TRUTH: arguments, such as --count 1000.
truth: all
	@MEMTRACE_BUILD=$(O) tests/truth/run.py --python $$(command -v $(PYTHON)) $(TRUTH)

# CPython's own test suite, with and without the library. SUITE: arguments, such as interpreters.
check-cpython: all
	@MEMTRACE_BUILD=$(O) tests/cpython/run.py $(SUITE)

# Trying it.
demo:
	@scripts/deps demo
	+@$(MAKE) --no-print-directory all
	@PYTHON=$(PYTHON) scripts/demo $(O)

deps:
	@scripts/deps demo check

# Interpreters that the system lacks, into a cache folder. `check` asks for them and goes on without.
interpreters:
	@scripts/interpreters

# Benchmarks: tests/bench/NAME.c, one program each; each prints its own table. Then run.py: what tracing
# costs the programs in tests/bench/programs. BENCH: its arguments, such as --peers.
bench_bin := $(patsubst tests/bench/%.c,$(O)/bench/%,$(sort $(wildcard tests/bench/*.c)))

$(O)/bench/%: $(O)/obj/tests/bench/%.o $(O)/modules.a
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(REPORTER_LIBS) -lm

bench: all $(bench_bin)
	@for b in $(bench_bin); do echo "== $$b"; $$b || exit 1; done
	@echo '== tests/bench/run.py'
	@MEMTRACE_BUILD=$(O) tests/bench/run.py --python $$(command -v $(PYTHON)) $(BENCH)

# Fuzzers: tests/fuzz/fuzz_NAME.c, built by clang with the collector's modules. They start from the
# inputs in tests/fuzz/corpus/NAME; what they find goes to a folder of the build.
SECS ?= 60
LEN ?= 1024
fuzz_names := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
fuzz_san := address,undefined
fuzz_obj := $(patsubst %.c,$(O)/fuzz/obj/%.o,$(filter-out collector/main.c,$(collector_src)))
corpora = $(wildcard tests/fuzz/corpus/$(1) $(O)/fuzz/corpus-$(1))

fuzz:
	@test -f 'tests/fuzz/fuzz_$(T).c' || { echo 'make fuzz T=NAME SECS=60, NAME: $(fuzz_names)'; exit 2; }
	@scripts/deps fuzz
	+@$(MAKE) --no-print-directory $(O)/fuzz/$(T)
	@mkdir -p $(O)/fuzz/corpus-$(T)
	$(O)/fuzz/$(T) -max_total_time=$(SECS) -max_len=$(LEN) -artifact_prefix=$(O)/fuzz/$(T)- \
		$(O)/fuzz/corpus-$(T) $(wildcard tests/fuzz/corpus/$(T))

$(O)/fuzz/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)clang $(BASE) -fsanitize=fuzzer-no-link,$(fuzz_san) -fno-sanitize-recover=undefined -c -o $@ $<

$(O)/fuzz/%: $(O)/fuzz/obj/tests/fuzz/fuzz_%.o $(fuzz_obj)
	@echo '  LD  $@'
	$(Q)clang -fsanitize=fuzzer,$(fuzz_san) -o $@ $^ $(ZSTD_LIBS) $(FUZZ_LIBS) -lm

# The one reader of hostile bytes that is the reporter's.
baseline_src := $(patsubst %,reporter/%.c,gate gate_baseline gate_baseline_read json)
$(O)/fuzz/baseline: $(patsubst %.c,$(O)/fuzz/obj/%.o,$(baseline_src))
$(O)/coverage/baseline: $(patsubst %.c,$(O)/coverage/obj/%.o,$(baseline_src))
$(O)/fuzz/baseline $(O)/replay/baseline $(O)/coverage/baseline: FUZZ_LIBS := -ljansson

# The same without libFuzzer, for `make check`: each gives its corpus to its readers once.
replay_bin := $(addprefix $(O)/replay/,$(fuzz_names))
check-run: $(replay_bin)

$(O)/obj/tests/fuzz/%.o: PROG_CFLAGS += -DFUZZ_REPLAY

$(O)/replay/%: $(O)/obj/tests/fuzz/fuzz_%.o $(O)/modules.a
	@mkdir -p $(@D)
	@echo '  LD  $@'
	$(Q)$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(FUZZ_LIBS) -lm

# What of the readers the corpora reach, line by line in $(O)/coverage/NAME.c.txt.
readers := profile_read section_read profile_blocks profile_check profile_check_map stream_check stream_read \
	journal_read columns linetable ring heap_state_read heap_state_read_map audits
reader_src := $(readers:%=collector/%.c)

covered := $(patsubst $(O)/fuzz/%,$(O)/coverage/%,$(fuzz_obj))

$(O)/coverage/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo '  CC  $<'
	$(Q)clang $(BASE) -fprofile-instr-generate -fcoverage-mapping -DFUZZ_REPLAY -c -o $@ $<

$(O)/coverage/%: $(O)/coverage/obj/tests/fuzz/fuzz_%.o $(covered)
	@echo '  LD  $@'
	$(Q)clang -fprofile-instr-generate -o $@ $^ $(ZSTD_LIBS) $(FUZZ_LIBS) -lm

covered_bin := $(fuzz_names:%=$(O)/coverage/%)
llvm_cov = llvm-cov $(1) $(firstword $(covered_bin)) $(addprefix -object ,$(wordlist 2,99,$(covered_bin))) \
	-instr-profile $(O)/coverage/all.profdata

fuzz-coverage: $(covered_bin)
	@rm -f $(O)/coverage/*.raw
	@$(foreach name,$(fuzz_names),find $(call corpora,$(name)) -type f -print0 | \
		LLVM_PROFILE_FILE=$(O)/coverage/$(name)-%p.raw xargs -0 $(O)/coverage/$(name) >/dev/null &&) :
	@llvm-profdata merge -o $(O)/coverage/all.profdata $(O)/coverage/*.raw
	@$(foreach reader,$(readers),$(call llvm_cov,show) collector/$(reader).c \
		> $(O)/coverage/$(reader).c.txt &&) :
	@$(call llvm_cov,report) $(reader_src)

tidy:
	@scripts/deps tidy
	clang-tidy --quiet $(shim_src) $(collector_src) $(reporter_src) -- -std=gnu17 -D_GNU_SOURCE \
		-DMEMTRACE_VERSION='"$(VERSION)"'

# What install puts where: MODE:SOURCE:TARGET, the target under PREFIX. The library finds the collector in
# ../libexec/memtrace, the command finds both.
installed := 755:$(O)/memtrace:bin/memtrace \
	755:$(O)/libmemtrace.so:lib/libmemtrace.so \
	755:$(O)/memtrace-collector:libexec/memtrace/memtrace-collector \
	644:$(O)/memtrace.pc:lib/pkgconfig/memtrace.pc \
	644:completions/memtrace.bash:share/bash-completion/completions/memtrace \
	644:completions/_memtrace:share/zsh/site-functions/_memtrace \
	644:completions/memtrace.fish:share/fish/vendor_completions.d/memtrace.fish \
	$(foreach page,$(sort $(wildcard man/*.[1-8])),\
		644:$(page):share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
part = $(word $(1),$(subst :, ,$(2)))

install: all
	@sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' memtrace.pc.in > $(O)/memtrace.pc
	$(Q)set -e; $(foreach file,$(installed),install -D -m $(call part,1,$(file)) \
		'$(call part,2,$(file))' '$(DESTDIR)$(PREFIX)/$(call part,3,$(file))';)
	@echo '  installed under $(DESTDIR)$(PREFIX)'

uninstall:
	$(Q)rm -f $(foreach file,$(installed),'$(DESTDIR)$(PREFIX)/$(call part,3,$(file))')
	-$(Q)rmdir '$(DESTDIR)$(PREFIX)/libexec/memtrace' 2>/dev/null || :

clean:
	rm -rf build

help:
	@echo 'make               build/libmemtrace.so, build/memtrace-collector, build/memtrace'
	@echo 'make deps          installs the packages it needs; DEPS=no only lists them'
	@echo 'make interpreters  unpacks CPython 3.13 to 3.15 for the tests, and builds 3.13t, into a cache'
	@echo 'make demo          builds, traces a program that leaks, explains the report'
	@echo 'make check         every test; the last line counts them. TESTS=... picks some'
	@echo 'make check-long    also those that take longer than a coffee'
	@echo 'make check-cpython CPython'"'"'s own tests, with and without the library; SUITE=... picks'
	@echo 'make truth         200 programs that leak or do not, and what the report says of them; TRUTH=...'
	@echo 'make unit          the unit tests alone'
	@echo 'make install       PREFIX=/usr/local DESTDIR='
	@echo 'make uninstall     likewise'
	@echo 'make bench         what a record costs the collector, and tracing a program; BENCH=--peers'
	@echo 'make fuzz          T=$(firstword $(fuzz_names) NAME) SECS=60: a fuzzer on hostile input'
	@echo 'make fuzz-coverage what of the readers the corpora reach'
	@echo 'make tsan          many threads in the library under ThreadSanitizer; MEMTRACE_RACE_ROUNDS=100000'
	@echo 'make tidy          clang-tidy over all sources'
	@echo 'make clean         removes build/'
	@echo 'SAN=1              with any of these: collector, reporter and unit tests under ASan and UBSan'
	@echo 'WERROR=1           warnings are errors'
	@echo 'V=1                shows whole commands'

-include $(shell find $(O)/obj $(O)/tsan $(O)/fuzz $(O)/coverage -name '*.d' 2>/dev/null)
.PHONY: all objects unit tsan check check-long check-run check-cpython truth demo deps interpreters bench fuzz fuzz-coverage tidy install uninstall clean help
.SECONDARY:

# memtrace: `make`, `make demo`, `make check`; the rest is in `make help` and CONTRIBUTING.md.

CC ?= gcc
O ?= build$(if $(SAN),/san)
VERSION := 0.1.0

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Wcast-qual \
	-Wwrite-strings -Wformat=2 -Wimplicit-fallthrough $(if $(WERROR),-Werror)
BASE := -std=gnu17 -D_GNU_SOURCE -O2 -g $(WARN) -MMD -MP -DMEMTRACE_VERSION='"$(VERSION)"'
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
, := ,

SHIM_CFLAGS := $(BASE) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-builtin-malloc
SHIM_LDFLAGS := -shared -Wl,-z,defs -Wl,-z,now -Wl,--version-script=preload/libmemtrace.map
PROG_CFLAGS := $(BASE) $(SANFLAGS)
PROG_LDFLAGS := $(SANFLAGS)
ZSTD_LIBS ?= -l:libzstd.a
REPORTER_LIBS ?= -ljansson -ldw -lelf

shim_src := $(sort $(wildcard preload/*.c))
collector_src := $(sort $(wildcard collector/*.c))
reporter_src := $(sort $(wildcard reporter/*.c))
obj = $(patsubst %.c,$(O)/obj/%.o,$(1))
base_obj := $(call obj,$(filter-out collector/main.c,$(collector_src)))

all: $(O)/libmemtrace.so $(O)/memtrace-collector $(O)/memtrace

$(O)/libmemtrace.so: $(call obj,$(shim_src)) preload/libmemtrace.map
	$(CC) $(SHIM_LDFLAGS) -o $@ $(filter %.o,$^)

$(O)/memtrace-collector: $(call obj,collector/main.c) $(base_obj)
	$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS)

$(O)/memtrace: $(call obj,$(reporter_src)) $(base_obj)
	$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) $(REPORTER_LIBS) -lm

$(O)/obj/preload/%.o: preload/%.c
	@mkdir -p $(@D)
	$(CC) $(SHIM_CFLAGS) -c -o $@ $<

$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(PROG_CFLAGS) -c -o $@ $<

# Unit tests: tests/unit/test_NAME.c, one program each, linked with all of the collector but main.
unit_src := $(sort $(wildcard tests/unit/test_*.c))
unit_bin := $(patsubst tests/unit/%.c,$(O)/unit/%,$(unit_src))

$(O)/unit/test_%: $(O)/obj/tests/unit/test_%.o $(base_obj)
	@mkdir -p $(@D)
	$(CC) $(PROG_LDFLAGS) -o $@ $^ $(ZSTD_LIBS) -lcmocka -lm

unit: $(unit_bin)
	@for t in $(unit_bin); do $$t || exit 1; done

clean:
	rm -rf build

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
.PHONY: all unit clean
.SECONDARY:

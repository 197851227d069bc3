# firn: `make help` lists the targets. Variants live in build/<variant>/: release, san (SAN=1) and
# fuzz (whatever begins with fuzz).
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VARIANT := $(if $(filter fuzz%,$(MAKECMDGOALS)),fuzz,$(if $(SAN),san,release))
B := build/$(VARIANT)
DIRS := base image builder flasher simulator economy cli station

# ---- packages and library flags ------------------------------------------------------------------
# build/flags.mk is remade (and make starts again with it) when a package is missing or the list
# changed; otherwise it costs one dpkg-query.
GOALS := $(or $(MAKECMDGOALS),all)
GROUPS := build \
  $(if $(filter demo check check-% bench-% mirror,$(GOALS)),run) \
  $(if $(filter check check-% bench-%,$(GOALS)),test) \
  $(if $(filter check-guest,$(GOALS)),guest) \
  $(if $(filter lint lint-% format,$(GOALS)),lint test) \
  $(if $(filter fuzz%,$(GOALS)),fuzz) \
  $(if $(filter check-valgrind,$(GOALS)),valgrind) \
  $(if $(filter check-reprotest,$(GOALS)),repro) \
  $(if $(filter bench-flash,$(GOALS)),bench) \
  $(if $(filter check-web,$(GOALS)),web $(if $(shell command -v npm),,npm)) \
  $(if $(filter deb check-deb,$(GOALS)),deb)
ifneq ($(filter-out help clean uninstall,$(GOALS)),)
include build/flags.mk
build/flags.mk: FORCE
	@scripts/packages $(GROUPS)
	@mkdir -p build
	@{ echo 'PKG_CFLAGS := '"$$(pkg-config --cflags $(LIBS) $(STATION_LIBRARIES) $(LOADED_LIBRARIES))"; \
	   echo 'PKG_LIBS := '"$$(pkg-config --libs $(LIBS))"; \
	   echo 'STATION_LIBS := '"$$(pkg-config --libs $(STATION_LIBRARIES))"; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endif
FORCE:
.PHONY: FORCE
# Every core compiles; make -j1 says otherwise.
ifeq ($(filter lint% fuzz% clean install uninstall deb check-deb,$(GOALS))$(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc)
endif
LIBS := libgit2 libcurl libarchive yaml-0.1 jansson libsodium libusb-1.0
STATION_LIBRARIES := libmicrohttpd libsystemd sqlite3 yaml-0.1 jansson libsodium
LOADED_LIBRARIES := libpq

# ---- compiling -----------------------------------------------------------------------------------
# clang has libFuzzer; warnings are gcc's business.
CC := $(if $(filter fuzz,$(VARIANT)),clang,gcc)
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
  -Wformat=2 -Wpointer-arith -Wwrite-strings -Wundef -Wimplicit-fallthrough
SANFLAGS_release :=
SANFLAGS_san := -fsanitize=address,undefined -fno-sanitize-recover=undefined -static-libasan
SANFLAGS_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
SANFLAGS := $(SANFLAGS_$(VARIANT))
# Where a firn that is not installed looks for its data.
SOURCE_DIR := $(CURDIR)
CPPFLAGS := -I. -D_GNU_SOURCE -DFIRN_SOURCE_DIR='"$(SOURCE_DIR)"'
OPT := -O2
CFLAGS = -std=gnu17 $(OPT) -g $(if $(filter fuzz,$(VARIANT)),-w,$(WARN)) $(SANFLAGS)
LDFLAGS := $(SANFLAGS)

LIB_SRC := $(filter-out cli/main.c station/main.c,$(wildcard $(DIRS:%=%/*.c)))
LIB_OBJ := $(LIB_SRC:%.c=$B/%.o)
TEST_SRC := $(wildcard tests/unit/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ := $(FUZZ_SRC:%.c=$B/%)
GUEST := $(addprefix $B/tests/guest/,libusb-client usbfs-client)
FAULTS := $B/tests/faults/check_faults
TESTS := $(TEST_SRC:%.c=$B/%) $(FUZZ) $(FAULTS)

all: $B/firn $B/firnd $B/firn-sim.so ## build firn and firnd (in build/release, linked as ./firn, ./firnd)
	@$(if $(filter release,$(VARIANT)),ln -sf $B/firn $B/firnd .,:)

# Objects, not the archive: two functions of one name are an error here.
$B/firn: $B/cli/main.o $(filter-out $B/station/%,$(LIB_OBJ))
	@echo "LINK $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# The daemon runs firn, and has none of it inside.
$B/firnd: $B/station/main.o $(filter $B/station/% $B/base/%,$(LIB_OBJ))
	@echo "LINK $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(STATION_LIBS)

# For the programs on the simulated bus, which are not ours: no sanitizer.
PRELOAD_SRC := $(wildcard simulator/preload/*.c)
$B/firn-sim.so: $(PRELOAD_SRC) simulator/preload/preload.h simulator/wire.h
	@mkdir -p $(@D)
	@echo "LINK $@"
	@$(CC) $(CPPFLAGS) -std=gnu17 $(OPT) $(WARN) -shared -fPIC $(filter-out $(SANFLAGS),$(LDFLAGS)) \
	  -o $@ $(PRELOAD_SRC)

# The same for a disk that fails: tests/faults/build_io.sh.
IO_FAULT := $B/tests/faults/io_fault.so
$(IO_FAULT): tests/faults/io_fault.c
	@mkdir -p $(@D)
	@echo "LINK $@"
	@$(CC) -D_GNU_SOURCE -std=gnu17 -O2 $(WARN) -shared -fPIC -o $@ $<

$B/station/api_service.o: station/openapi.json
$B/cli/size_page.o: cli/size.html
$B/station/page.o: $(wildcard station/web/*)
$B/economy/advise.o: economy/advise.py economy/advise_rules.py
$B/economy/probe.o: economy/probe.py economy/probe_files.py economy/probe_host.py

$B/libfirn.a: $(LIB_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$B/%.o: %.c build/flags.mk
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

ALL_LIBS = $(PKG_LIBS) $(STATION_LIBS)
# They run for an instant, and are compiled for as long as the rest: in half the time without -O2.
$B/tests/unit/%.o: OPT := -O0
$B/tests/unit/%: $B/tests/unit/%.o $B/libfirn.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(ALL_LIBS) -lcmocka

$B/tests/guest/%: $B/tests/guest/%.o $B/libfirn.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$B/tests/bench/%: $B/tests/bench/%.o $B/libfirn.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(FAULTS): $B/tests/faults/check_faults.o $B/tests/faults/bench_board.o $B/libfirn.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# A fuzz target with libFuzzer's main(), or with ours, which replays the committed corpus.
FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),-fsanitize=fuzzer,$B/tests/fuzz/replay.o)
$B/tests/fuzz/fuzz_%: $B/tests/fuzz/fuzz_%.o $B/libfirn.a $(filter %.o,$(FUZZ_MAIN))
	@$(CC) $(LDFLAGS) -o $@ $< $(FUZZ_MAIN) $B/libfirn.a $(ALL_LIBS)
.SECONDARY: $(TESTS:%=%.o) $(GUEST:%=%.o) $B/tests/fuzz/replay.o $B/tests/faults/bench_board.o $B/tests/bench/store.o

-include $(LIB_OBJ:.o=.d) $B/cli/main.d $B/station/main.d $(TESTS:%=%.d) $(GUEST:%=%.d) $B/tests/fuzz/replay.d \
  $B/tests/faults/bench_board.d

# ---- sources for demo and tests ------------------------------------------------------------------
# One cache and one configuration for the demo and the tests: the interpreter's sources come from a
# local mirror, so that neither needs the network once that is filled.
export FIRN := $(CURDIR)/$B/firn
export FIRND := $(CURDIR)/$B/firnd
export FIRN_HOME := $(CURDIR)/build/home
export FIRN_CONFIG := $(CURDIR)/build/config.yaml
export FIRN_TEST_DIR := $(CURDIR)/build/test
export LSAN_OPTIONS := suppressions=$(CURDIR)/tests/lsan.supp:print_suppressions=0

mirror: build/config.yaml ## fill the local mirror of MicroPython (build/mirror)
	@firmware-src/mirror build/mirror

build/config.yaml: Makefile
	@mkdir -p $(@D)
	@printf 'mirrors:\n  https://github.com/micropython/: %s/build/mirror/\n' '$(CURDIR)' > $@

demo: all build/config.yaml ## the main job from end to end, without hardware
	@scripts/demo

# ---- testing -------------------------------------------------------------------------------------
# Many of the tests wait for boards: three at a time keep two cores busy. The long ones come first, so
# that none is left to run alone at the end.
PROVE := prove --timer -j3

check: all $(TESTS) $(IO_FAULT) mirror ## all tests (SAN=1: under ASan and UBSan)
	@CMOCKA_MESSAGE_OUTPUT=tap $(PROVE) tests/e2e/*.sh tests/station/*.sh tests/guest/run tests/cli/*.sh $(TESTS)

check-unit: all $(TESTS) ## unit tests and the fuzz corpora only
	@CMOCKA_MESSAGE_OUTPUT=tap $(PROVE) $(TESTS)

check-cli: all $B/tests/unit/test_hostile build/config.yaml ## tests of the command line that build no firmware
	@$(PROVE) tests/cli/*.sh

check-e2e: all $(IO_FAULT) mirror ## builds, simulated boards, QEMU
	@$(PROVE) tests/e2e/*.sh

check-guest: all $(GUEST) ## the simulated bus against Linux's own, in a QEMU guest (82 MB, once)
	@tests/guest/kernel >/dev/null
	@FIRN_GUEST=1 $(PROVE) tests/guest/run

check-faults: all $(FAULTS) ## everything that can go wrong with a transfer, at every transfer of a flash
	@$(FAULTS) all
	@tests/faults/bus.sh all

check-base: all mirror ## 20 random products on their base, the same bytes as from the beginning (COUNT=20, SEED=N)
	@COUNT=$(or $(COUNT),20) $(PROVE) -v tests/e2e/base-cold.sh

KILLS := 200
check-kill: all mirror ## 200 builds killed at any moment (KILLS=200), and what they leave
	@$(PROVE) -v tests/faults/build_kill.sh :: $(KILLS)

check-io: all $(IO_FAULT) mirror ## builds whose disk is full or broken, at each write
	@$(PROVE) -v tests/faults/build_io.sh :: all

check-firnd: all $(IO_FAULT) mirror ## firnd in full: 2 daemons and 500 jobs, a disk that fails, 10 s of attacks
	@$(PROVE) -v tests/station/service.sh tests/station/two_daemons.sh :: 500
	@$(PROVE) -v tests/station/disk.sh :: 200
	@$(PROVE) -v tests/station/attack.sh :: 10

FIRND_KILLS := 1000
check-firnd-kill: all mirror ## firnd killed 1,000 times under load (FIRND_KILLS=1000, SEED=N): nothing is lost
	@$(PROVE) -v tests/faults/firnd_kill.sh :: $(FIRND_KILLS) $(SEED)

check-web: all mirror ## the page in Chromium: used by mouse and by keyboard, looked at by axe
	@$(PROVE) -v tests/web/check-web.sh

bench-firnd: all mirror ## 10,000 jobs in the queue and 200 clients of its events
	@ALONE=1 $(PROVE) -v tests/station/load.sh :: 10000 200 1000

# test_wipe of wipe.c, and test_wipe_mass, too.
FLASHER_TESTS := $(sort $(foreach noun,$(patsubst flasher/%.c,%,$(wildcard flasher/*.c)), \
  $(filter $B/tests/unit/test_$(noun) $B/tests/unit/test_$(noun)_%,$(TESTS))))
check-valgrind: all $(FLASHER_TESTS) $(FAULTS) ## the flasher's tests and firn flash, under valgrind
	@TESTS='$(FLASHER_TESTS) $(FAULTS)' tests/valgrind.sh

check-reprotest: all mirror ## Debian's reprotest on firn build: the same bytes, whatever it varies
	@tests/reprotest.sh

bench-flash: all mirror ## firn flash beside dfu-util and the least that is possible, measured
	@tests/bench/flash

bench-check: all mirror ## firn check of 20 modules, warm: under 3 s
	@tests/bench/check

bench-advise: all mirror ## firn advise on MicroPython's own files: 50 findings, to be read by hand
	@tests/bench/advise

bench-economy: all mirror ## what freezing saves, and the procedure for qstrs, on MicroPython's own tests
	@tests/bench/economy

bench-build: all mirror ## firn build beside MicroPython's own make, measured
	@tests/bench/build

bench-store: $B/tests/bench/store ## the store with 10,000 queued jobs, on SQLite and PostgreSQL, measured
	@$<
	@tests/postgresql sh -c '$< "$$FIRN_TEST_POSTGRESQL"'

FUZZ_S := 60
fuzz: $(FUZZ) ## fuzz every parser for FUZZ_S=60 seconds under ASan and UBSan, two at a time
	@tests/fuzz/run $(FUZZ_S) $(FUZZ)

fuzz-corpus: $(FUZZ) ## add what fuzzing reached to the committed corpora, as few files as can be
	@tests/fuzz/minimise $(FUZZ)

# ---- lint ----------------------------------------------------------------------------------------
C_FILES := $(wildcard $(DIRS:%=%/*.c) $(DIRS:%=%/*.h) simulator/preload/*.[ch] tests/unit/*.c tests/unit/*.h \
  tests/fuzz/*.c tests/fuzz/*.h tests/guest/*.c tests/guest/*.h tests/faults/*.c tests/faults/*.h tests/bench/*.c)
TIDY_STAMPS := $(patsubst %.c,build/tidy/%.ok,$(filter-out tests/%,$(filter %.c,$(C_FILES))))

lint: lint-format lint-house lint-web lint-tidy lint-cppcheck ## format, house rules, the page, clang-tidy, cppcheck

lint-format: ## clang-format, nothing changed
	@clang-format --dry-run -Werror $(C_FILES)

format: ## clang-format, in place
	@clang-format -i $(C_FILES)

lint-house: ## arrows between folders, banned functions, lengths
	@scripts/lint-house

lint-web: ## the page: syntax, no markup or code from text, no other server
	@scripts/lint-web

lint-tidy: $(TIDY_STAMPS) ## clang-tidy on what changed since its last good run

build/tidy/%.ok: %.c .clang-tidy build/flags.mk
	@mkdir -p $(@D)
	@echo "TIDY $<"
	@clang-tidy --quiet $< -- -std=gnu17 $(CPPFLAGS) $(PKG_CFLAGS) 2>$@.log || { cat $@.log; exit 1; }
	@touch $@

lint-cppcheck: ## cppcheck
	@cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -j2 \
	  --enable=warning,performance,portability --suppress=missingIncludeSystem \
	  --suppress=varFuncNullUB --suppress=unknownMacro \
	  -I. $(filter %.c,$(filter-out tests/%,$(C_FILES)))

# ---- the rest ------------------------------------------------------------------------------------
include packaging/install.mk

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

clean: ## remove everything that was built
	rm -rf build firn firnd

.PHONY: all mirror demo check check-unit check-base check-cli check-e2e check-guest check-faults check-io \
  check-firnd check-firnd-kill check-kill check-reprotest check-valgrind check-web bench-advise \
  bench-build bench-check bench-economy bench-firnd bench-flash bench-store fuzz fuzz-corpus lint \
  lint-format lint-house lint-web lint-tidy lint-cppcheck format help clean

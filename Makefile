# firn: `make help` lists the targets. Variants live in build/<variant>/: release, san (SAN=1).
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VARIANT := $(if $(SAN),san,release)
B := build/$(VARIANT)
DIRS := base image builder flasher simulator cli

# ---- packages and library flags ------------------------------------------------------------------
# build/flags.mk is remade (and make starts again with it) when a package is missing or the list
# changed; otherwise it costs one dpkg-query.
GOALS := $(or $(MAKECMDGOALS),all)
GROUPS := build \
  $(if $(filter demo check check-% bench-% mirror,$(GOALS)),run) \
  $(if $(filter check check-% bench-%,$(GOALS)),test) \
  $(if $(filter lint lint-% format,$(GOALS)),lint test)
ifneq ($(filter-out help clean,$(GOALS)),)
include build/flags.mk
build/flags.mk: FORCE
	@scripts/packages $(GROUPS)
	@mkdir -p build
	@{ echo 'PKG_CFLAGS := '"$$(pkg-config --cflags $(LIBS))"; \
	   echo 'PKG_LIBS := '"$$(pkg-config --libs $(LIBS))"; } > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
endif
FORCE:
.PHONY: FORCE
LIBS := libgit2 yaml-0.1 jansson libsodium libusb-1.0

# ---- compiling -----------------------------------------------------------------------------------
CC := gcc
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
  -Wformat=2 -Wpointer-arith -Wwrite-strings -Wundef -Wimplicit-fallthrough
SANFLAGS := $(if $(SAN),-fsanitize=address$(,)undefined -fno-sanitize-recover=undefined -static-libasan)
, := ,
CPPFLAGS := -I. -D_GNU_SOURCE -DFIRN_SOURCE_DIR='"$(CURDIR)"'
CFLAGS := -std=gnu17 -O2 -g $(WARN) $(SANFLAGS)
LDFLAGS := $(SANFLAGS)

LIB_SRC := $(filter-out cli/main.c,$(wildcard $(DIRS:%=%/*.c)))
LIB_OBJ := $(LIB_SRC:%.c=$B/%.o)
TEST_SRC := $(wildcard tests/unit/test_*.c)
TESTS := $(TEST_SRC:%.c=$B/%)

all: $B/firn ## build firn (build/release/firn, linked as ./firn)
	@$(if $(SAN),:,ln -sf $B/firn firn)

$B/firn: $B/cli/main.o $B/libfirn.a
	@echo "LINK $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$B/libfirn.a: $(LIB_OBJ)
	@rm -f $@
	@ar rcs $@ $^

$B/%.o: %.c build/flags.mk
	@mkdir -p $(@D)
	@echo "CC $<"
	@$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$B/tests/unit/%: $B/tests/unit/%.o $B/libfirn.a
	@$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka
.PRECIOUS: $B/tests/unit/%.o

-include $(LIB_OBJ:.o=.d) $B/cli/main.d $(TESTS:%=%.d)

# ---- testing -------------------------------------------------------------------------------------
PROVE := prove --timer -j2 -e ''
export FIRN := $(CURDIR)/$B/firn
export FIRN_TEST_DIR := $(CURDIR)/build/test

check-unit: $(TESTS) ## unit tests only
	@CMOCKA_MESSAGE_OUTPUT=tap $(PROVE) $(TESTS)

check-cli: all ## command line tests
	@$(PROVE) tests/cli/*.sh

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

clean: ## remove everything that was built
	rm -rf build firn

.PHONY: all check-unit check-cli help clean

#!/bin/bash
# Where make returns 0 and is wrong: every change after which it keeps what is stale, on a base that
# is there. The interpreter is NETDUINO2's; what it holds is looked for in the flash image.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
mkdir -p "$T/p/src" "$T/p/c_modules/twice"
cd "$T/p" || exit 1

manifest() { # FROZEN QSTRS CONFIG
    printf 'firn: 1\nproduct: stale\nversion: 1.0\nfirmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}\n' >p.yaml
    printf 'board: {port: qemu, name: NETDUINO2}\nfrozen: [%s]\nqstrs: [%s]\n%s\n' "$1" "$2" "$3" >>p.yaml
}
build() { # NAME: build it, and keep what came out as $T/NAME
    exits 0 "$1: builds" "$FIRN" -q build p.yaml -o "$T/$1"
}
# The image of NAME is what a build from the beginning makes of the manifest as it is now; base-cold.sh
# asks that of products without C modules.
right() {
    rm -rf "$FIRN_HOME/images"
    exits 0 "$1: builds from the beginning" "$FIRN" -q build --no-base p.yaml -o "$T/$1-cold"
    ok "$1: is the same as from the beginning" diff -r "$T/$1" "$T/$1-cold"
}
holds() { grep -qa "$2" "$T/$1/stale-1.0.bin"; }
lacks() { ! holds "$@"; }
field() { sed -n "s/^ *\"$2\": \([0-9]*\),*$/\1/p" "$T/$1/stale-1.0.json" | head -1; }
module() { echo "{module: $1, base_path: src}"; }
echo 'MARK = "first_module_stays"' >src/one.py
echo 'MARK = "second_module_goes"' >src/two.py

# ---- a module removed from the manifest ----
manifest "$(module one.py), $(module two.py)" '' ''
like "$("$FIRN" explain p.yaml)" '^stale 1.0: the base is compiled' 'explain, before: what it costs'
like "$("$FIRN" explain p.yaml)" 'it was not built here before' 'explain, before: there is nothing to compare'
build both
is "$("$FIRN" explain p.yaml)" 'stale 1.0: nothing is to be done: the image is there
  nothing changed since the last build' 'explain, after: nothing is to be done'
ok 'both modules are in the image' holds both second_module_goes
manifest "$(module one.py)" '' ''
OUT=$("$FIRN" explain p.yaml)
like "$OUT" 'linked on a base that is there' 'explain, a module fewer: only the product'
like "$OUT" '^  product  frozen two.py is gone$' 'explain, a module fewer: says so'
build removed
ok 'a module that was taken out of the manifest is not in the image' lacks removed second_module_goes
ok 'the other is' holds removed first_module_stays

# ---- a source replaced by one with an older time ----
echo 'MARK = "older_but_newer"' >src/one.py
touch -d 2001-01-01 src/one.py
build older
ok 'a source replaced by an older file is what is frozen' holds older older_but_newer
ok 'what it replaced is gone' lacks older first_module_stays

# ---- a changed heap size ----
before=$(field older heap)
manifest "$(module one.py)" '' 'config: {make: {MICROPY_HEAP_SIZE: 70000}}'
OUT=$("$FIRN" explain p.yaml)
like "$OUT" 'the base is compiled, .*; the last base took' 'explain, another heap: the base, and what that costs'
like "$OUT" '^  base +make MICROPY_HEAP_SIZE changed: 81920 -> 70000$' 'explain, another heap: says so'
build heap
is $((before - $(field heap heap))) $((81920 - 70000)) 'a changed heap size is in the program'

# ---- qstrs: a list that was dropped, and core qstrs that clash with frozen ones ----
manifest "$(module one.py)" '"a very long qstr"' ''
build qstr
ok 'a qstr of QSTR_DEFS is in the image' holds qstr 'a very long qstr'
manifest "$(module one.py)" '' ''
build dropped
ok 'a qstr list that was dropped is not' lacks dropped 'a very long qstr'
ok 'the image is that of before' cmp "$T/dropped/stale-1.0.bin" "$T/older/stale-1.0.bin"
echo 'def clashing_name_of_both(): pass' >src/one.py
build frozen-name
cat >c_modules/twice/micropython.mk <<'END'
SRC_USERMOD += $(USERMOD_DIR)/twice.c
END
cat >c_modules/twice/twice.c <<'END'
#include "py/runtime.h"
static mp_obj_t twice(void) { return MP_OBJ_NEW_QSTR(MP_QSTR_clashing_name_of_both); }
static MP_DEFINE_CONST_FUN_OBJ_0(twice_obj, twice);
static const mp_rom_map_elem_t table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_twice)},
    {MP_ROM_QSTR(MP_QSTR_clashing_name_of_both), MP_ROM_PTR(&twice_obj)}};
static MP_DEFINE_CONST_DICT(globals, table);
const mp_obj_module_t twice_module = {{&mp_type_module}, (mp_obj_dict_t *)&globals};
MP_REGISTER_MODULE(MP_QSTR_twice, twice_module);
END
manifest "$(module one.py)" '' 'c_modules: [c_modules/twice]'
build clash
right clash

# ---- a C file replaced by one with an older time ----
sed -i 's/MP_OBJ_NEW_QSTR(MP_QSTR_clashing_name_of_both)/mp_obj_new_str("changed_in_c", 12)/' c_modules/twice/twice.c
touch -d 2001-01-01 c_modules/twice/twice.c
build c-older
ok 'a C file replaced by an older one is what is compiled' holds c-older changed_in_c

# ---- the directory of what was built, at another place ----
mv "$T/home" "$T/moved"
export FIRN_HOME=$T/moved
rm -rf "$FIRN_HOME/images"
before=$(find "$FIRN_HOME/bases" -name base.json | sort | xargs cat | sha256sum)
exits 0 "moved: builds" "$FIRN" -q build p.yaml -o "$T/at-another-place"
is "$(find "$FIRN_HOME/bases" -name base.json | sort | xargs cat | sha256sum)" "$before" 'bases that were moved are used'
ok "and give the same" diff -r "$T/at-another-place" "$T/c-older"
done_testing

#!/bin/bash
# Names of every kind, each by the way that qstr.h gives it, are in the flash of the board: making
# them there adds nothing in RAM. A name that is not listed does show up, so the check can fail.
. "$(dirname "$0")/../tap.sh"

names=$TOP/tests/data/qstr/every-kind.yaml
exits 0 'firn build' "$FIRN" build "$names" -o "$T/out"
unlike "$OUT" '^warning' 'no name is removed'

# The names as a Python list, read from the manifest: its scalars are plain, or quoted as Python's.
{
    echo 'import micropython'
    echo 'class Holder: pass'
    echo 'def make(names):'
    echo '    for name in names: setattr(Holder, name, 0)'
    echo '    micropython.qstr_info(1)'
    echo 'make(('
    sed -n '/^qstrs:/,$ { /^  - "/ { s/^  - \(.*\)$/\1,/p; d }
        /^  - / { s/^  - '"'\(.*\)'"'$/  - \1/; s/\\/\\\\/g; s/"/\\"/g; s/^  - \(.*\)$/"\1",/p } }' "$names"
    echo '))'
    echo 'make(("not listed at all",))'
} >"$T/make.py"
is "$(grep -c '",$' "$T/make.py")" "$(grep -c '^  - ' "$names")" 'the script makes all of them'
exits 0 'firn sim boot' "$FIRN" sim boot -q -e "$T/make.py" "$T/out/names-1.0.bin"
is "$(grep '^Q(' <<<"$OUT" | sort -u)" "Q(Holder)
Q(make)
Q(names)
Q(not listed at all)" 'only the names of the script itself are in RAM, and the one that is not listed'
is "$(sed -n '/^qstr pool/,/^qstr pool/p' <<<"$OUT" | grep -c 'not listed')" 0 'which comes last'
done_testing

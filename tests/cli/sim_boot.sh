#!/bin/bash
# firn sim boot: its command line, and what does not boot. tests/e2e/repl.sh boots MicroPython.
. "$(dirname "$0")/../tap.sh"

printf 'print(1)\n' >"$T/one.py"
head -c 1048576 /dev/zero | tr '\0' '\377' >"$T/erased.flash"
: >"$T/empty.flash"

exits 2 'no flash file' "$FIRN" sim boot -c 'print(1)'
like "$OUT" 'one flash file is needed' '... is said'
exits 2 'an unknown option' "$FIRN" sim boot "$T/erased.flash" --exce "$T/one.py"
like "$OUT" "'--exce' is unknown" '... is named'
exits 2 'two programs' "$FIRN" sim boot "$T/erased.flash" -c 'print(1)' --exec "$T/one.py"
like "$OUT" 'one program at a time' '... are one too many'
exits 2 'a timeout of 0' "$FIRN" sim boot "$T/erased.flash" -c 'print(1)' --timeout 0
like "$OUT" 'not a number from 1 to 86400' '... is out of range'
exits 2 'no program and no terminal' "$FIRN" sim boot "$T/erased.flash" </dev/null
like "$OUT" 'standard input is no terminal' '... has nothing to talk to'
exits 2 'an unknown machine' "$FIRN" sim boot "$T/erased.flash" -c 'print(1)' --machine netduino
like "$OUT" "did you mean 'netduino2'" '... is suggested'
exits 2 'a program that does not exist' "$FIRN" sim boot "$T/erased.flash" --exec "$T/none.py"
like "$OUT" "none.py.*No such file" '... is named'
exits 2 'a flash file that does not exist' "$FIRN" sim boot "$T/none.flash" -c 'print(1)'
like "$OUT" "cannot boot '.*/none.flash'.*No such file" '... is named'
exits 2 'an empty flash file' "$FIRN" sim boot "$T/empty.flash" -c 'print(1)'
like "$OUT" 'it has 0 bytes' '... has no flash'

exits 4 'erased flash does not boot' "$FIRN" sim boot "$T/erased.flash" -c 'print(1)' --timeout 20
like "$OUT" 'erased.flash. does not boot on netduino2' '... is said'
like "$OUT" 'QEMU said: qemu: fatal: Lockup' "... in QEMU's own words"

# The shell stands for the unix port's program, which reads a program from standard input too.
exits 0 'a native program runs' "$FIRN" sim boot /bin/sh --machine native --quiet -c 'echo ran'
is "$OUT" ran '... and its output is the output'
exits 1 'a native program fails' "$FIRN" sim boot /bin/sh --machine native --quiet \
    -c 'echo Traceback >&2; exit 1'
is "$OUT" Traceback '... and its traceback goes to standard error'
exits 1 'events of a failure' "$FIRN" sim boot /bin/sh --machine native --json \
    -c 'printf "a\377"; echo Traceback >&2; exit 1'
like "$OUT" '^\{"event":"result","exit":1,"ok":false,"output":"a\\\\xff","traceback":"Traceback\\n"\}$' \
    '... hold output and traceback, whatever the bytes'
exits 2 'an image to flash' "$FIRN" sim boot product.dfu -c 'print(1)'
like "$OUT" 'firn image product.dfu -o flash.bin' 'an image to flash: how to make one to boot'
done_testing

#!/bin/bash
# firn init: what it writes passes validate as it is, and nothing of the user's is overwritten.
. "$(dirname "$0")/../tap.sh"
export FIRN_HOME=$T/home FIRN_CONFIG=$T/config.yaml
echo "mirrors: {}" >"$FIRN_CONFIG"

mkdir -p "$T/Weather-Station 2" && cd "$T/Weather-Station 2" || exit 1
exits 0 'init' "$FIRN" init
like "$OUT" '^next: firn build firn.yaml$' 'init: says what to do next'
like "$(cat firn.yaml)" '^product: "weather-station2"$' 'init: the product is named after the directory'
like "$(cat firn.yaml)" '^board: \{port: qemu, name: NETDUINO2\}$' 'init: a board that QEMU runs'
exits 0 'init: validate takes it as it is' "$FIRN" validate firn.yaml
is "$(find . -type f | sort | tr '\n' ' ')" './firn.yaml ./main.py ' 'init: a manifest and a main.py'

# Everything that is commented out is right, too: take the comment signs away, one key at a time.
mkdir -p src/acme texts vendor cmods/filter && touch src/acme/io.py texts/a.py cmods/filter/micropython.mk
touch vendor/filter.mpy && echo 'Q(humidity)' >qstrs.txt
sed -E '/^# (All|Check|One|What|Names|micropython|Tried)/d; s/^(  )?# (( {0,6}[a-z_]+:|  ( )*- )|- )/\1\2/' \
    firn.yaml >all.yaml
exits 0 'init: its examples are good as well' "$FIRN" validate all.yaml
like "$OUT" '6 frozen entries, 2 qstrs' 'examples: all of them'

echo 'mine' >main.py && cp firn.yaml before
exits 2 'again' "$FIRN" init PYBV11
like "$OUT" "'firn.yaml' is there already" 'again: says why not'
same firn.yaml before 'again: the manifest is left as it is'
exits 0 'another file' "$FIRN" init PYBV11 -o other.yaml
is "$(cat main.py)" mine 'another file: main.py is left as it is'
like "$(cat other.yaml)" 'port: stm32, name: PYBV11' 'another file: the port is found'
exits 0 'a new directory' "$FIRN" init unix/standard -o new/firn.yaml
exits 0 'a new directory: validate' "$FIRN" validate new/firn.yaml

mkdir 2024
(umask 022 && cd 2024 && "$FIRN" init >/dev/null)
exits 0 'a directory named like a number: validate' "$FIRN" validate 2024/firn.yaml
is "$(stat -c %a 2024/firn.yaml 2024/main.py | tr '\n' ' ')" '644 644 ' 'only the user may write to them'

exits 2 'unknown board' "$FIRN" init PYBV111 -o x.yaml
like "$OUT" "did you mean 'PYBV11'" 'unknown board: suggests'
exits 2 'unknown port' "$FIRN" init stm23/PYBV11 -o x.yaml
like "$OUT" 'there are: .*stm32' 'unknown port: lists them'
exits 2 'a board without a name' "$FIRN" init qemu/ -o x.yaml
exits 2 'a board that no directory is called' "$FIRN" init 'stm32/a: b' -o x.yaml
exits 2 'two boards' "$FIRN" init PYBV11 PYBV10
ok 'a failure leaves no file' test ! -e x.yaml
done_testing

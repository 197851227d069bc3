# TAP for shell tests: source this, call ok/is/like..., end with done_testing.
# A test gets a scratch directory ($T), removed at the end unless the test failed.
# shellcheck shell=bash
set -u
: "${FIRN:?set by make}" "${FIRN_TEST_DIR:?set by make}"
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
mkdir -p "$FIRN_TEST_DIR"
T=$(mktemp -d "$FIRN_TEST_DIR/$(basename "$0" .sh).XXXXXX")
tap_n=0 tap_failed=0
export LC_ALL=C.UTF-8 NO_COLOR=1

tap_end() {
    [ "$tap_failed" = 0 ] && rm -rf "$T"
    [ "$tap_failed" = 0 ]
}
trap tap_end EXIT

# pass/fail NAME
pass() { tap_n=$((tap_n + 1)); echo "ok $tap_n - $1"; }
fail() {
    tap_n=$((tap_n + 1)) tap_failed=1
    echo "not ok $tap_n - $1"
    [ $# -lt 2 ] || printf '%s\n' "$2" | sed 's/^/#   /'
    echo "#   (kept: $T)"
}
# ok NAME COMMAND...: the command succeeds
ok() {
    local name=$1 out
    shift
    if out=$("$@" 2>&1); then pass "$name"; else fail "$name" "exit $?: $*
$out"; fi
}
# exits STATUS NAME COMMAND...: exact exit status; output is left in $OUT (stdout and stderr)
exits() {
    local want=$1 name=$2 got=0
    shift 2
    OUT=$("$@" 2>&1) || got=$?
    if [ "$got" = "$want" ]; then pass "$name"; else fail "$name" "exit $got, expected $want: $*
$OUT"; fi
}
# is GOT WANT NAME
is() { if [ "$1" = "$2" ]; then pass "$3"; else fail "$3" "got:      $1
expected: $2"; fi; }
# like TEXT REGEX NAME / unlike
like() { if grep -qE -- "$2" <<<"$1"; then pass "$3"; else fail "$3" "no match for: $2
in: $1"; fi; }
unlike() { if grep -qE -- "$2" <<<"$1"; then fail "$3" "should not match: $2
in: $1"; else pass "$3"; fi; }
# same FILE EXPECTED NAME: byte for byte
same() { local d; if d=$(diff -u "$2" "$1" 2>&1); then pass "$3"; else fail "$3" "$(head -n 100 <<<"$d")"; fi; }
skip() { tap_n=$((tap_n + 1)); echo "ok $tap_n # SKIP $1"; }
done_testing() { echo "1..$tap_n"; exit "$tap_failed"; }

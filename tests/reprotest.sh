#!/bin/bash
# `make check-reprotest`: Debian's reprotest builds a product twice and varies what it can: build path,
# environment, locale, time zone, umask, home, number of processors, ASLR, kernel's name, exec path,
# time (with faketime). What needs more than this machine gives is left out, and said.
set -eu
cd "$(dirname "$0")/.."
: "${FIRN:?run this with: make check-reprotest}" "${FIRN_CONFIG:?}" "${FIRN_TEST_DIR:?}"
mkdir -p "$FIRN_TEST_DIR"
T=$(mktemp -d "$FIRN_TEST_DIR/reprotest.XXXXXX")
trap 'rm -rf "$T"' EXIT
mkdir "$T/p"
cp -r manifests/greeter manifests/greeter.yaml "$T/p/"

variations=+all
leave_out() { # VARIATION WHY
    variations+=,-$1
    echo "# not varied: $1 ($2)"
}
leave_out user_group 'needs a second user to switch to; the sandbox gives every build the same'
leave_out domain_host 'needs to unshare the host name; the sandbox has its own'
[ -e /dev/fuse ] && command -v disorderfs >/dev/null || leave_out fileordering 'needs disorderfs and /dev/fuse'
command -v faketime >/dev/null || leave_out time 'needs faketime'
echo "# varied: $variations"
reprotest --no-diffoscope --variations="$variations" -s "$T/p" \
    "FIRN_CONFIG='$FIRN_CONFIG' FIRN_DATA='$PWD' FIRN_HOME=\$PWD/home '$FIRN' -q build -o out greeter.yaml" \
    'out/*' >"$T/log" 2>&1 && status=0 || status=$?
grep -E 'Reproduction|differ|error' "$T/log" || tail -20 "$T/log"
exit $status

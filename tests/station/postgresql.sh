#!/bin/bash
# What SQLite's store is tested with, on PostgreSQL: the same programs, and those for which there must be a server. Their
# output is one TAP stream, each name after "postgresql: ".
set -u
: "${FIRND:?set by make}"
TOP=$(cd "$(dirname "$0")/../.." && pwd)
unit=$(dirname "$FIRND")/tests/unit
# Two are about SQLite's files.
mapfile -t sources < <(ls "$TOP"/tests/unit/test_store_*.c "$TOP/tests/unit/test_db.c" | grep -v -e _sqlite.c -e _faults.c)
export CMOCKA_MESSAGE_OUTPUT=tap

run_all() {
    for source in "$@"; do
        name=$(basename "$source" .c)
        "$unit/$name" 2>&1
        echo "status $? $name"
    done
}
export -f run_all
export unit

# A program that ends before its last line (a crash) is a failure, whatever its tests said.
"$TOP/tests/postgresql" bash -c 'run_all "$@"' - "${sources[@]}" | awk -v want=${#sources[@]} '
/^1\.\.[0-9]/ || /^(not ok|# (not )?ok) - tests$/ { next }
/^(not )?ok [0-9]+/ {
    result = $0; sub(/ok .*/, "ok", result)
    name = $0; sub(/^(not )?ok [0-9]+ (- )?/, "", name)
    print result " " ++n " - postgresql: " name; fflush(); next
}
/^status / {
    print ($2 == 0 ? "ok " : "not ok ") ++n " - postgresql: " $3 " came to its end (" $2 ")"; fflush()
    programs++; next
}
{ print (/^#/ ? "" : "# ") $0 }
END { print (programs == want ? "ok " : "not ok ") ++n " - postgresql: " want " programs were run"; print "1.." n }'
exit "${PIPESTATUS[0]}"

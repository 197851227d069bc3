#!/bin/bash
# Devices with descriptors that lie (tests/unit/test_hostile.c makes a thousand), a hundred at a time
# on one bus, before the real `firn devices`: the kernel's files are changed under it.
. "$(dirname "$0")/../tap.sh"
BOARDS=100 ROUNDS=3
export T BOARDS ROUNDS
mkdir "$T/sets" "$T/out"
ok 'a thousand sets are written' "$(dirname "$FIRN")/tests/unit/test_hostile" "$T/sets"
is "$(ls "$T/sets" | wc -l)" 1000 'a file each'

cat >"$T/rounds" <<'EOF'
#!/bin/bash
# On the simulated bus. Beside the descriptors, names that would drive a terminal. Only firn needs
# the library that shows it the bus; every cat would start a little slower with it.
preload=$LD_PRELOAD
unset LD_PRELOAD
on_bus() { LD_PRELOAD=$preload timeout -k 1 60 "$@"; }
mapfile -t dirs < <(grep -lr df11 "$UMOCKDEV_DIR/sys/devices" --include=idProduct | xargs -n1 dirname)
[ "${#dirs[@]}" = "$BOARDS" ] || exit 99
n=0
for ((round = 0; round < ROUNDS; round++)); do
    for dir in "${dirs[@]}"; do
        cat "$T/sets/$(printf %03d $n)" >"$dir/descriptors"
        head -c 40 "$T/sets/$(printf %03d $n)" >"$dir/product"
        n=$((n + 1))
    done
    on_bus "$FIRN" devices >"$T/out/$round" 2>"$T/out/$round.err"
    echo $? >>"$T/statuses"
done
on_bus "$FIRN" devices --json >"$T/out/json" 2>&1
echo $? >>"$T/statuses"
EOF
chmod +x "$T/rounds"
ok 'rounds of a hundred boards' "$FIRN" sim -n $BOARDS --hubs=7,7 -- "$T/rounds"
is "$(sort -u "$T/statuses" | tr '\n' ' ')" '0 ' 'firn devices always lists what it can'
is "$(cat "$T"/out/*.err)" '' 'without a word on standard error'
shown=$(cat "$T"/out/? | grep -c '^[0-9]')
[ "$shown" -gt $BOARDS ] && [ "$shown" -lt $((BOARDS * ROUNDS - 10)) ] &&
    pass "$shown of $((BOARDS * ROUNDS)) are listed" ||
    fail 'some are listed, some are not' "$shown"
is "$(cat "$T"/out/* | LC_ALL=C grep -caP '[\x00-\x08\x0b-\x1f\x7f]')" 0 'nothing that drives a terminal comes out'
done_testing

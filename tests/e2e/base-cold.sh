#!/bin/bash
# A product on a base is what a build from the beginning gives, byte for byte: products drawn at
# random (SEED=N draws the same again, COUNT=N that many: 8, and 20 by `make check-base`).
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
seed=${SEED:-$RANDOM$RANDOM} count=${COUNT:-8}
echo "# SEED=$seed COUNT=$count"
"$TOP/tests/e2e/random-products" "$seed" "$count" "$T/products"
cd "$T/products" || exit 1

for ((n = 1; n <= count; n++)); do
    "$FIRN" -q build "$n.yaml" -o "$T/based/$n" >"$T/said" 2>&1 || fail "product $n on its base" "$(cat "$T/said")"
done
bases=$(find "$FIRN_HOME/bases" -mindepth 1 -maxdepth 1 -type d | wc -l)
ok "$count products stand on few bases ($bases)" test "$bases" -le $((1 + (count + 19) / 20))
ok 'every base can be used' bash -c "! grep -L '\"usable\": true' '$FIRN_HOME'/bases/*/base.json | grep ."
rm -r "$FIRN_HOME/images"
for ((n = 1; n <= count; n++)); do
    "$FIRN" -q build --no-base "$n.yaml" -o "$T/cold/$n" >"$T/said" 2>&1 || fail "product $n from the beginning" "$(cat "$T/said")"
    ok "product $n: every file the same" diff -r "$T/based/$n" "$T/cold/$n"
done
is "$(find "$T/based" -name '*.dfu' | wc -l)" "$count" 'an image of each was compared'
done_testing

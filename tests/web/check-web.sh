#!/bin/bash
# The page in a real browser, with a real firnd behind it that builds MicroPython and flashes a
# simulated board: check.mjs does it. Screenshots are left in build/web.
. "$(dirname "$0")/../tap.sh"
. "$TOP/tests/home.sh"
own_home "$T/home"
modules=$TOP/tests/web/node_modules
if ! cmp -s "$TOP/tests/web/package-lock.json" "$modules/.of-lock"; then
    (cd "$TOP/tests/web" && npm ci --no-audit --no-fund >"$T/npm.log" 2>&1) || {
        fail "npm ci" "$(cat "$T/npm.log")"
        done_testing
    }
    cp "$TOP/tests/web/package-lock.json" "$modules/.of-lock"
fi
port=$((20000 + $$ % 20000))
cat >"$T/firnd.yaml" <<END
name: bench-1
home: $T/home
listen: {socket: $T/firnd.sock, http: "127.0.0.1:$port"}
disk: {floor: 1M}
END
# serve: firnd on a bus with boards, until the tests are over
cat >"$T/serve" <<'END'
"$FIRND" --config "$T/firnd.yaml" 2>"$T/firnd.log" &
firnd=$!
trap 'kill $firnd; wait $firnd' EXIT
for _ in $(seq 100); do
    "$FIRN" jobs --socket "$T/firnd.sock" >/dev/null 2>&1 && break
    sleep 0.05
done
FIRND_TOKEN=$("$FIRN" token add browser --role engineer --socket "$T/firnd.sock")
export FIRND_TOKEN
cd "$TOP/tests/web" && node check.mjs
END
export T TOP FIRND_URL=http://127.0.0.1:$port FIRND_MANIFEST=$TOP/tests/web/smallest.yaml
rm -rf "$TOP/build/web"
"$FIRN" sim -n 2 -- bash "$T/serve" 2>"$T/stderr"
status=$?
[ $status = 0 ] || {
    tap_failed=1
    sed 's/^/# /' "$T/stderr" "$T/firnd.log"
    echo "# kept: $T"
}
exit $status

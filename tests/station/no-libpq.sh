#!/bin/bash
# libpq is loaded when the store is a PostgreSQL: without it a daemon with SQLite starts, and another says what to install.
. "$(dirname "$0")/../tap.sh"
library=$(ldconfig -p | sed -n 's/.*libpq\.so\.5 .*=> //p' | head -n 1)
cat >"$T/firnd.yaml" <<END
name: bench-1
home: $T/home
listen: {socket: $T/firnd.sock}
END
unlike "$(ldd "$FIRND")" 'libpq|libkrb5' "firnd is not linked with libpq"
hidden=(timeout 20 bwrap --die-with-parent --dev-bind / / --ro-bind /dev/null "$(realpath "$library")")
{ cat "$T/firnd.yaml"; echo "store: postgresql:///firn?host=$T"; } >"$T/shared.yaml"
exits 1 "a PostgreSQL without libpq" "${hidden[@]}" "$FIRND" --config "$T/shared.yaml"
like "$OUT" "PostgreSQL: libpq.so.5: .*" "says what is missing"
like "$OUT" "install it \(Debian's package libpq5\), or set .store: sqlite." "and what to do"
exits 1 "one with libpq and without a server" timeout 20 "$FIRND" --config "$T/shared.yaml"
like "$OUT" 'PostgreSQL: connection to server .* failed' "says so"
like "$OUT" 'is the server of .store:. in firnd.yaml running' "and what to look at"
"${hidden[@]}" "$FIRND" --config "$T/firnd.yaml" 2>"$T/log" &
daemon=$!
for _ in $(seq 200); do [ -S "$T/firnd.sock" ] && break; sleep 0.05; done
ok "with SQLite it starts" "$FIRN" jobs --socket "$T/firnd.sock"
kill $daemon # timeout, and what it runs dies with it
wait $daemon
done_testing

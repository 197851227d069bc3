#!/bin/bash
# Sources and toolchains in real builds: nothing writes into a checkout, and a compiler that is not
# good enough is named with what was found and where.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cd "$TOP" || exit 1

exits 0 "a build of the demo's product" "$FIRN" build manifests/greeter.yaml -o "$T/out"
commit=$(sed -n 's/.*"commit": "\([0-9a-f]\{40\}\)".*/\1/p' "$T/out/greeter-1.4.0.json" | head -n 1)
mirror=$(echo "$FIRN_HOME"/git/micropython-*.git)
is "$(git --git-dir="$mirror" rev-parse 'v1.25.0^{commit}')" "$commit" "the sidecar has the commit of the tag"

# mpy-cross and the firmware were built from here: names, contents and permissions are the commit's.
tree=$(echo "$FIRN_HOME/src/$commit"-*/tree)
tree=${tree%% *}
git --git-dir="$mirror" ls-tree -r "$commit" | awk '$2 == "blob" { print $1, $3, $4 }' | LC_ALL=C sort -k3 >"$T/committed"
(cd "$tree" && find . -type f -printf '%P\n' | LC_ALL=C sort) >"$T/names"
(cd "$tree" && git --git-dir="$mirror" hash-object --no-filters --stdin-paths) <"$T/names" >"$T/hashes"
(cd "$tree" && xargs -d '\n' stat -c '%a') <"$T/names" | sed 's/^/100/' >"$T/modes"
paste -d ' ' "$T/modes" "$T/hashes" "$T/names" >"$T/there"
same "$T/there" "$T/committed" "the checkout is the commit, also after the builds"

# A manifest's own range, and a compiler that is older than its definition allows.
sed 's/^board:/toolchain: {name: arm-none-eabi, version: ">=99"}\nboard:/' manifests/greeter.yaml >"$T/new.yaml"
cp -r manifests/greeter "$T/greeter"
exits 2 "a range that nothing fits" "$FIRN" build "$T/new.yaml" -o "$T/bad"

like "$OUT" "new.yaml:[0-9]+:[0-9]+: toolchain 'arm-none-eabi' is version [0-9.]+ \(/.*/arm-none-eabi-gcc\), but the manifest asks for >=99" \
    "found version, place, wanted range"
mkdir "$T/bin"
cat >"$T/bin/arm-none-eabi-gcc" <<'END'
#!/bin/sh
case $1 in
-dumpfullversion) echo 4.8.1 ;;
*) exec /usr/bin/arm-none-eabi-gcc "$@" ;;
esac
END
chmod +x "$T/bin/arm-none-eabi-gcc"
exits 1 "an old compiler first on PATH" env PATH="$T/bin:$PATH" "$FIRN" build manifests/greeter.yaml -o "$T/bad"
like "$OUT" "is version 4.8.1 \($T/bin/arm-none-eabi-gcc\), but its definition asks for >=10" "is named, with its place"
ok "no image is written" test ! -e "$T/bad"
exits 0 "the right one again" "$FIRN" build manifests/greeter.yaml -o "$T/out"
done_testing

#!/bin/bash
# Sources that cannot be had: every manifest of tests/data/sources beside what firn build prints about
# it. @T@ in an expected text is the test's own directory.
. "$(dirname "$0")/../tap.sh"
export FIRN_HOME=$T/home FIRN_CONFIG=$T/config.yaml
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@localhost GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@localhost
echo "mirrors: {https://example.org/fw/: fw/}" >"$FIRN_CONFIG"

repo=$T/fw/micropython.git
git init -q --bare "$repo"
tree=$(git -C "$repo" mktree </dev/null)
commit=$(git -C "$repo" commit-tree -m release "$tree")
git -C "$repo" tag v1.25.0 "$commit"
git -C "$repo" tag tree "$tree"

cd "$TOP/tests/data/sources" || exit 1
for manifest in *.yaml; do
    name=${manifest%.yaml}
    exits 3 "$name: exit status 3" "$FIRN" build --no-color "$manifest" -o "$T/out"
    grep -v '^  source ' <<<"$OUT" | sed "s,$T,@T@,g" >"$T/$name"
    same "$T/$name" "$name.expected" "$name: the error"
done
for expected in *.expected; do
    [ -e "${expected%.expected}.yaml" ] || fail "$expected has no manifest"
done
ok "nothing is written" test ! -e "$T/out"

sed 's,v1.25.1,v1.25.0,' unknown-ref.yaml >"$T/good.yaml"
exits 3 "offline, and nothing was fetched before" "$FIRN" build --offline "$T/good.yaml" -o "$T/out"
like "$OUT" "was not fetched before, and --offline forbids to fetch it" "offline: says so"
like "$OUT" "run it once without --offline" "offline: and what to do"

# A home on a file system that is too small for the mirror: said, and no trace of it afterwards.
big=$T/fw/big.git
git init -q --bare "$big"
blob=$(head -c 2000000 /dev/urandom | git -C "$big" hash-object -w --stdin)
tree=$(printf '100644 blob %s\tbig\n' "$blob" | git -C "$big" mktree)
git -C "$big" tag v1.25.0 "$(git -C "$big" commit-tree -m release "$tree")"
sed 's,micropython.git,big.git,' "$T/good.yaml" >"$T/big.yaml"
mkdir "$T/small"
# shellcheck disable=SC2016 # the inner shell expands
small='mount -t tmpfs -o size=1m none "$1" && export FIRN_HOME=$1 && shift && "$@"; echo "status $?"; find "$FIRN_HOME" -name "pack*git2*" -o -name ".tmp*"'
if unshare -m true 2>/dev/null && unshare -m mount -t tmpfs none "$T/small" 2>/dev/null; then
    OUT=$(unshare -m sh -c "$small" sh "$T/small" "$FIRN" build "$T/big.yaml" -o "$T/out" 2>&1)
    like "$OUT" "No space left on device" "a full disk: is the reason"
    like "$OUT" "free some space on that file system" "a full disk: says what to do"
    is "$(tail -n 1 <<<"$OUT")" "status 1" "a full disk: status 1, and no temporary file is left"
else
    skip "a full disk: only root may mount a small file system"
fi
done_testing

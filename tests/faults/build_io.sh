#!/bin/bash
# Builds whose disk is full (ENOSPC) or broken (EIO) at one write: each write of firn's own fails once,
# and make's programs run out of space. firn says so, ends with an error and leaves nothing that
# harms; the next build is as good as any.
# build_io.sh all (make check-io): every write of a product on its base, with either error, samples of
# all that comes before, and disks of growing size; without an argument each kind of write once, in make
# check. ONLY=REGEX: these series alone.
. "$(dirname "$0")/../tap.sh"
[ "${1:-}" = all ] && all=1 || all=
lib=$(dirname "$FIRN")/tests/faults/io_fault.so
case $FIRN in */san/*) skip 'a sanitizer has these calls for itself' && done_testing ;; esac
[ -e "$lib" ] || make -s -C "$TOP" "${lib#"$TOP/"}" || exit 1
. "$(dirname "$0")/build_common.sh"
make_reference "$all"
points=0 errors=0
declare -A reason=([28]='No space left on device|the disk is full' [5]='Input/output error') irrelevant=()

# What a build can do without: marks of use and sizes for the quotas, what a ref was at the last look,
# how large images were; and of what libgit2 does in a new repository: its templates, its tries whether there are links and
# modes, and hard links, in whose stead it renames.
needless='^utimensat .*/(src|mpy-cross|bases|images)/[0-9a-f-]*$|/\.sizes$|/firn-refs\.json$|/git/[^/]*\.git/\.tmp-[0-9a-f]{16}$|^fsync .*/git/[^/]*\.git$'
needless+='|/history(/|$)'
needless+='|^close .*\.git\.new/(description|hooks/|info/)|^(symlink|chmod) .*\.git\.new/|^link .*/git/'

# faulty AT ERRNO: build product one with one call failing; AT=0 counts into $T/calls
faulty() {
    rm -f "$T/failed"
    FIRN_FAULT_DIRS=$FIRN_HOME:$T/out FIRN_FAULT_AT=$1 FIRN_FAULT_ERRNO=$2 FIRN_FAULT_LOG=$T/failed \
        LD_PRELOAD=$lib "$FIRN" build one.yaml -o "$T/out/one" >"$T/said" 2>&1
}

# judge STATUS ERRNO: what the build with the fault said and left
judge() {
    local call
    call=$(cut -d' ' -f2- "$T/failed")
    if [ "$1" = 0 ]; then
        grep -qE "$needless${recovered:+|$recovered}" <<<"$call" || wrong "succeeded although this failed: $call" "$(cat "$T/said")"
        irrelevant[${call%% *} $(sed -E 's#.*/home/##; s#[0-9a-f]{16,}(-[0-9a-f]{12})?#KEY#g' <<<"$call")]=1
        diff -r "$T/out/one" "$T/new/one" >"$T/diff" || wrong "success, and another image" "$(cat "$T/diff")"
        return
    fi
    errors=$((errors + 1))
    [ "$1" -lt 4 ] || wrong "ended with $1" "$(cat "$T/said")"
    [ "$(grep -c '^error: ' "$T/said")" = 1 ] || wrong "not one error" "$(cat "$T/said")"
    grep '^error: ' "$T/said" | grep -qE "${reason[$2]}" || wrong "the error does not give the reason" "$(cat "$T/said")"
    grep '^error: ' "$T/said" | grep -qE "/|'.*'|\.[a-z]+:" || wrong "the error names no file" "$(cat "$T/said")"
}

# of_each_kind MANY: of calls of one kind (what call below which directory of the home) the first ones,
# and few of the later ones
of_each_kind() {
    awk -v many="${1:-999999}" -v home="$FIRN_HOME/" '{
        below = substr($3, 1, length(home)) == home ? substr($3, length(home) + 1) : "out"
        sub("/.*", "", below)
        n = count[$2 below]++
        if (n < many || n % 1499 == 1498) print
    }'
}

# series NAME FORGET ERRNOS [PER-KIND]: with those directories of the home removed, fail every call;
# or of one kind so many at most
series() {
    local name=$1 errnos=$3 per_kind=${4:-} n call path errnum status before=$points
    [[ $name =~ ${ONLY:-} ]] || return 0
    rm -rf "$T/out" && cp -r "$T/old" "$T/out"
    begin "$2"
    faulty 0 0 || fail "$name: it builds without a fault" "$(cat "$T/said")"
    mv "$T/failed" "$T/calls"
    while read -r n call path; do
        for errnum in $errnos; do
            [ "$errnum" != alternate ] || errnum=$((n % 2 ? 28 : 5))
            bad='' status=0 points=$((points + 1))
            rm -rf "$T/out" && cp -r "$T/old" "$T/out"
            begin "$2"
            faulty "$n" "$errnum" || status=$?
            judge $status "$errnum"
            for product in one two; do output_is_whole $product; done
            builds_alone one
            nothing_is_left
            [ ! "$bad" ] || fail "$name: $(cat "$T/failed") with $errnum" "$bad"
        done
    done < <(of_each_kind "$per_kind" <"$T/calls")
    [ $points -gt $before ] && pass "$name: $((points - before)) faults at $(wc -l <"$T/calls") writes"
}

# The home as it was, without its images and what else is to be made.
begin() {
    local what
    rm -rf "${FIRN_HOME:?}/images"
    mkdir "$FIRN_HOME/images"
    for what in $1; do rm -rf "${FIRN_HOME:?}/$what"; done
    rm -f "$(grep -l 'one\.yaml"' "$FIRN_HOME"/products/*.json)"
    cp -r "$T"/reference/images/. "$FIRN_HOME/images"
    rm -rf "$(dirname "$(grep -l '"product": "one"' "$FIRN_HOME"/images/*/one-1.0.json)")"
}

if [ "$all" ]; then
    series 'a product on its base' evaluations '28 5'
    series 'the mirror and the checkout, too' 'git src' alternate 3
    series 'what was asked of programs, too' 'facts toolchains' alternate 2
    series 'mpy-cross, too' mpy-cross alternate 1
    series 'the base, too' bases alternate 1
    # A process of its own makes mpy-cross then. Where that fails, it is made again.
    recovered='/mpy-cross/' series 'both at once' 'mpy-cross bases' alternate 1
else
    series 'a product on its base' evaluations alternate 1
fi
for what in "${!irrelevant[@]}"; do echo "# a build succeeds without: $what"; done | sort
echo "# $points faults, $errors errors, $SECONDS s"

# ---- make's programs on a small disk -------------------------------------------------------------
# small MB: the build on a disk of that size, then with room; the sources lie elsewhere
cat >"$T/small.sh" <<'END'
mount -t tmpfs -o "size=$1" none "$2" || exit 99
export FIRN_HOME=$2/home
mkdir "$FIRN_HOME"
ln -s "$3"/git "$3"/src "$FIRN_HOME"
"$FIRN" build one.yaml -o "$2/out" >"$4.small" 2>&1
echo "small $?"
find "$2/out" -name '*.dfu' 2>/dev/null
mount -o remount,size=400m "$2"
"$FIRN" build one.yaml -o "$2/out" >"$4.room" 2>&1
echo "room $?"
diff -r "$2/out" "$5" && grep -q '"usable": true' "$FIRN_HOME"/bases/*/base.json && echo same
END
small() {
    local out
    mkdir -p "$T/disk"
    out=$(unshare -m bash "$T/small.sh" "$1" "$T/disk" "$T/reference" "$T/said" "$T/new/one" 2>&1)
    case $out in
    $'small 1\nroom 0\nsame')
        where=$(grep -o '^ *[a-z-]* .*FAILED' "$T/said.small" | awk '{print $1}' | tr '\n' ' ')
        ok "a disk of $1: says that it is full (in ${where% })" grep -qE "^error: .*(the disk is full|No space left)" "$T/said.small" ;;
    $'small 0\n'*) pass "a disk of $1 is large enough" && enough=1 ;;
    *) fail "a disk of $1" "$out"$'\n'"$(cat "$T/said.small" "$T/said.room")" ;;
    esac
}
if ! unshare -m mount -t tmpfs none "$T/p" 2>/dev/null; then
    skip 'small disks: no privilege to mount one'
elif [ "$all" ]; then
    enough=
    for size in 40k 200k 1m 2m 3m 5m 8m 12m 16m 20m 24m 32m 64m; do
        [ "$enough" ] || small $size
    done
    ok 'the last one was large enough' test "$enough"
fi
done_testing

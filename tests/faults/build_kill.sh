#!/bin/bash
# Builds that are killed (SIGKILL) at any moment, two at a time: nothing that they leave harms or
# delays the next build, and nothing of them stays.
# build_kill.sh KILLS (make check-kill: 200); without an argument a sample, in make check.
# SEED=N draws the same moments again; where a build is then depends on the machine, too.
. "$(dirname "$0")/../tap.sh"
wanted=${1:-10}
[ $# -gt 0 ] && full=1 || full=
seed=${SEED:-$RANDOM}
echo "# SEED=$seed"
RANDOM=$seed
. "$(dirname "$0")/build_common.sh"
make_reference "$full"

# ---- one round -----------------------------------------------------------------------------------
draw() { R=$((RANDOM % $1)); } # not in a subshell: that would draw the same each time

# What the two have to make, and in how many ms one of them would have.
forget() {
    local what
    rm -rf "$FIRN_HOME/images"
    ms=300 forgotten=
    for what in "bases $((full ? 3 : rounds == 2 ? 1 : 9999)) 5000" ${full:+"mpy-cross 5 5000" "src 8 3000" "git 16 3000" "facts 5 300" "toolchains 5 300"} \
        "evaluations 3 150" "products 3 0"; do
        set -- $what
        draw "$2"
        [ "$R" = 0 ] || continue
        rm -rf "${FIRN_HOME:?}/$1"
        forgotten+=" $1" ms=$((ms + $3))
    done
    rm -rf "$T/out" && cp -r "$T/old" "$T/out"
}

# start N PRODUCT
start() {
    "$FIRN" build "$2.yaml" -o "$T/out/$2" --events=3 3>"$T/events.$1" >"$T/said.$1" 2>&1 &
    pids[$1]=$!
}
# Kill it; where it was comes into killed.
kill_build() {
    local status=0 last
    kill -KILL "${pids[$1]}" 2>/dev/null
    wait "${pids[$1]}" 2>/dev/null || status=$?
    if [ $status = 137 ]; then
        last=$(grep '"event":"phase"' "$T/events.$1" | tail -1)
        where=$(sed 's/.*"phase":"\([^"]*\)".*/\1/' <<<"${last:-beginning}")
        [[ $last != *'"state":"end"'* ]] || where="after $where"
        hits=$((hits + 1)) at[$where]=$((${at[$where]:-0} + 1))
        killed+=" [$where]"
    elif [ $status != 0 ]; then
        wrong "build $1 failed with $status before it was killed" "$(cat "$T/said.$1")"
    fi
}

# Processes that have this home on their command line or in their mounts.
echo "$(basename "$T")/home/" >"$T/pattern"
alive() {
    grep -lsaFf "$T/pattern" /proc/[0-9]*/cmdline /proc/[0-9]*/mountinfo | cut -d/ -f3 | sort -u |
        while read -r pid; do tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | head -c 200 && echo; done
}
nobody_is_left() {
    local _
    for _ in {1..40}; do
        [ "$(alive)" ] || return
        sleep 0.05
    done
    wrong "processes are left after 2 s" "$(alive)"
}
no_lock_is_held() {
    local lock
    while read -r lock; do
        flock -n "$lock" true || wrong "$lock is held"
    done < <(find "$FIRN_HOME" -name '*.lock')
}

# ---- a program of a killed build that does not end -----------------------------------------------
# bubblewrap that is killed while it makes a sandbox may leave a process that waits for ever. Whatever
# it holds open, it must not keep others from building.
mkdir "$T/bin"
cat >"$T/bin/bwrap" <<END
#!/bin/sh
echo \$\$ >$T/hanging.new && mv $T/hanging.new $T/hanging
exec sleep 60
END
chmod +x "$T/bin/bwrap"
bad='' rounds=0 pids=()
forget
PATH=$T/bin:$PATH start 0 two
for _ in {1..100}; do [ ! -e "$T/hanging" ] || break; sleep 0.05; done
ok 'a program of a build hangs' test -e "$T/hanging"
kill -KILL "${pids[0]}"
wait "${pids[0]}" 2>/dev/null
ok 'it is there after the build was killed' kill -0 "$(cat "$T/hanging")"
builds_alone two
kill "$(cat "$T/hanging")"
builds_alone one
nothing_is_left
is "$bad" '' 'no build waits for it, and nothing is left'

# ---- a small file that another build has finished meanwhile --------------------------------------
# Two write the same, one of them is killed: nobody has to write it again.
bad='' rounds=0
for file in "$FIRN_HOME"/{facts,evaluations,toolchains,products}/*.json \
    ${full:+"$FIRN_HOME"/git/*/firn-refs.json}; do
    [ -e "$file" ] || continue
    name=$(basename "$file")
    hash=$(printf %s "$name" | sha256sum)
    echo half >"${file%/*}/.tmp-${hash:0:16}"
    rounds=$((rounds + 1))
done
ok "$rounds files are left half written beside whole ones" test "$rounds" -ge 5
builds_alone one
builds_alone two
nothing_is_left
is "$bad" '' 'builds that only read the whole ones remove the others'

# ---- killed at random ----------------------------------------------------------------------------
pairs=("one two" "two one" "one two" "one one" "two two")
declare -A at=()
hits=0 rounds=0
while [ $hits -lt "$wanted" ] && [ $rounds -lt $((wanted * 3)) ]; do
    rounds=$((rounds + 1)) killed='' bad='' pids=()
    forget
    draw ${#pairs[@]}
    read -ra pair <<<"${pairs[$R]}"
    draw $ms && first=$R
    draw $ms && second=$R
    [ $first -le $second ] || { R=$first && first=$second && second=$R; }
    start 0 "${pair[0]}"
    start 1 "${pair[1]}"
    sleep "$(printf '%d.%03d' $((first / 1000)) $((first % 1000)))"
    kill_build 0
    R=$((second - first))
    sleep "$(printf '%d.%03d' $((R / 1000)) $((R % 1000)))"
    kill_build 1
    nobody_is_left
    no_lock_is_held
    for name in one two; do output_is_whole $name; done
    for name in one two; do builds_alone $name; done
    nothing_is_left
    label="${pair[*]}: killed after $first and $second ms:${killed:- none}${forgotten:+, without$forgotten}"
    if [ "$bad" ]; then
        fail "$label" "$bad"
        rm -rf "$FIRN_HOME" && cp -r "$T/reference" "$FIRN_HOME"
    else
        pass "$label"
    fi
done
ok "$hits of $wanted builds were killed" test $hits -ge "$wanted"
for where in "${!at[@]}"; do echo "# ${at[$where]} $where"; done | sort -rn -k2
if [ "$full" ]; then
    for where in source mpy-cross check base compile image; do
        ok "some were killed in $where" test "${at[$where]:-0}" -gt 0
    done
fi
echo "# $hits kills in $rounds rounds, $SECONDS s"
done_testing

#!/bin/bash
# Builds that cannot be: every manifest of tests/data/build beside what firn build prints about it. @T@
# in an expected text is the test's own directory.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cd "$TOP/tests/data/build" || exit 1

# A PATH without the ARM compiler, and one where it is an old one.
mkdir "$T/bin" "$T/old"
for tool in make python3 bash sh gcc ar ld nm objcopy size as bwrap; do
    ln -s "$(command -v $tool)" "$T/bin/"
done
for tool in gcc ar ld nm objcopy size; do
    # shellcheck disable=SC2016 # the script expands it
    printf '#!/bin/sh\ncase $1 in -dumpfullversion) echo 9.3.1;; -dumpmachine) echo arm-none-eabi;; esac\n' \
        >"$T/old/arm-none-eabi-$tool"
    chmod +x "$T/old/arm-none-eabi-$tool"
done

# refused STATUS NAME [PATH]: the exit status and the text
refused() {
    exits "$1" "$2: exit status $1" env PATH="${3:-$PATH}" "$FIRN" -q build "$2.yaml" -o "$T/out"
    sed "s,$T,@T@,g" <<<"$OUT" >"$T/$2"
    same "$T/$2" "$2.expected" "$2: what it says"
}
# Each a home of its own: what is known about a compiler is kept there.
refused 2 syntax-error
refused 2 old-mpy
export FIRN_HOME=$T/toolchains
mkdir "$FIRN_HOME"
ln -s "$T/home/git" "$T/home/src" "$T/home/facts" "$FIRN_HOME/"
refused 1 toolchain-missing "$T/bin"
refused 1 toolchain-old "$T/old:$PATH"
export FIRN_HOME=$T/home
refused 2 toolchain-range

"$FIRN" -q --events=3 build interrupted.yaml -o "$T/out" 2>"$T/interrupted" 3>"$T/events" &
pid=$!
for ((i = 0; i < 3000; i++)); do
    grep -qs . "$FIRN_HOME"/logs/interrupted-*.log && break # make has begun
    kill -0 $pid 2>/dev/null || break
    sleep 0.02
done
kill -INT $pid
wait $pid
is $? 130 'interrupted: exit status 130'
same "$T/interrupted" interrupted.expected 'interrupted: what it says'
ok 'nothing was written' test ! -e "$T/out"
done_testing

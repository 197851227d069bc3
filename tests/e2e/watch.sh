#!/bin/bash
# firn build --watch: one rebuild for each save, however an editor saves, and none for anything else.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home"
cp -r "$TOP/manifests/greeter" "$TOP/manifests/greeter.yaml" "$T/"
cd "$T" || exit 1
"$FIRN" -q build --watch greeter.yaml -o out >"$T/said" 2>&1 &
pid=$!
# until REGEX [N]: the watching firn says it N times, within a minute
until_said() {
    for ((i = 0; i < 1200; i++)); do
        [ "$(grep -cE "$1" "$T/said")" -ge "${2:-1}" ] && return
        kill -0 $pid 2>/dev/null || break
        sleep 0.05
    done
    cat "$T/said"
    return 1
}
saved='greeter.yaml saved -> image in [0-9.]+ (ms|s): greeter 1.4.0 for NETDUINO2'
holds() { grep -qa "$1" "$T/out/greeter-1.4.0.bin"; }
ok 'it builds, then watches' until_said '^watching 1 manifest and what it is made of'
ok 'the image is there' test -s out/greeter-1.4.0.dfu

echo 'MARK = "written in place"' >>greeter/greet.py
ok 'a module written in place' until_said "$saved"
ok 'is in the image' holds 'written in place'
cp greeter/greet.py new.py
echo 'MARK = "renamed over it"' >>new.py
mv new.py greeter/greet.py
ok 'a module renamed over the old one' until_said "$saved" 2
ok 'is in the image' holds 'renamed over it'
echo 'A = "first of two"' >>greeter/greet.py
echo 'B = "second of two"' >>greeter/lib/snow/__init__.py
ok 'two files at once' until_said "$saved" 3
sleep 0.5
is "$(grep -cE "$saved" "$T/said")" 3 'are one rebuild'
ok 'with both of them' bash -c "grep -qa 'first of two' '$T/out/greeter-1.4.0.bin' && grep -qa 'second of two' '$T/out/greeter-1.4.0.bin'"

echo 'def (:' >>greeter/greet.py
ok 'a mistake' until_said 'greeter/greet.py:[0-9]+:1: SyntaxError'
ok 'it goes on' kill -0 $pid
sed -i '/def (:/d' greeter/greet.py
echo 'C = "mended"' >>greeter/greet.py
ok 'the mistake mended' until_said "$saved" 4
ok 'is in the image' holds mended

echo 'D = "a new file of a package"' >greeter/lib/snow/more.py
ok 'a new file in a package' until_said "$saved" 5
ok 'is in the image' holds 'a new file of a package'
rm greeter/lib/snow/more.py
ok 'a file that was removed' until_said "$saved" 6
ok 'is not in the image' bash -c "! grep -qa 'a new file of a package' '$T/out/greeter-1.4.0.bin'"
echo 'new_qstr_of_the_list' >>greeter/qstrs.txt
ok 'a qstr list' until_said "$saved" 7
sed -i 's/version: 1.4.0/version: 1.4.1/' greeter.yaml
ok 'the manifest itself' until_said 'greeter.yaml saved -> image in .*: greeter 1.4.1'
echo x >unrelated.txt
mkdir unrelated
sleep 0.5
is "$(grep -c 'saved ->' "$T/said")" 8 'what does not go in builds nothing'
kill -INT $pid
wait $pid
is $? 130 'Ctrl-C ends it'
done_testing

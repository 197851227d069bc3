#!/bin/bash
# firn size: a manifest, an image, two versions held against each other, the history, the page.
# (That the parts add up to the byte: build-qemu.sh and build-ports.sh, by size_check.)
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
cp -r "$TOP/manifests/greeter" "$TOP/manifests/greeter.yaml" "$T"
cd "$T" || exit 1

# ---- a manifest ----
exits 0 'firn size builds what is not built' "$FIRN" size greeter.yaml
like "$OUT" '^greeter 1.4.0 for NETDUINO2$' 'it names the product'
like "$OUT" '^  flash   18[0-9]\.[0-9] KiB$' 'the flash'
like "$OUT" '^  RAM     data [0-9]+ B, bss [0-9]+ B, heap 80.0 KiB, stack [0-9.]+ KiB$' 'the RAM'
like "$OUT" '^  ROM +0x00000000 +1.0 MiB +18[0-9.]+ KiB +#+\.+ +17 % +8[0-9]+\.[0-9] KiB$' 'a memory'
like "$OUT" '^  greet.py +[0-9]+ +[0-9]+ +4 +[0-9]+ +- +13$' 'a frozen module'
like "$OUT" '^  [0-9]+ together; --all shows them +[0-9]+ +[0-9]+$' 'not every object'
exits 0 'firn size --all' "$FIRN" size greeter.yaml --all
like "$OUT" '^  main.o +[0-9]+ ' 'every object'

# ---- an image, any of its files ----
for suffix in dfu bin elf json; do
    exits 0 "firn size of the .$suffix" "$FIRN" size "out/greeter/greeter-1.4.0.$suffix"
    like "$OUT" '^greeter 1.4.0 for NETDUINO2$' "the .$suffix: it names the product"
done

# ---- another version ----
cp -r out/greeter old
cat >>greeter/greet.py <<'END'


def farewell(guest):
    return "Farewell, {}, and mind the crevasses on the way down.".format(guest)
END
sed -i 's/^version: .*/version: 1.5.0/' greeter.yaml
exits 0 'against an image' "$FIRN" size greeter.yaml --diff old/greeter-1.4.0.dfu
like "$OUT" '^greeter 1.5.0 for NETDUINO2, before: greeter 1.4.0 for NETDUINO2$' 'both are named'
like "$OUT" '^flash +[0-9]+ +[0-9]+ +\+[0-9]+$' 'the flash grew'
like "$OUT" '^greet.py +[0-9]+ +[0-9]+ +\+[0-9]+$' 'the module that grew'
unlike "$OUT" '^hello.py' 'not one that did not'
exits 0 'against a version' "$FIRN" size greeter.yaml --diff 1.4.0
like "$OUT" '^greeter 1.5.0 for NETDUINO2, before: 1.4.0 for NETDUINO2$' 'it was built here'
exits 0 'against the last one' "$FIRN" size greeter.yaml --diff last
like "$OUT" 'before: 1.4.0 for NETDUINO2$' 'that is the same here'
exits 2 'a version that was never built' "$FIRN" size greeter.yaml --diff 1.4.1
like "$OUT" "'1.4.1' is neither a file nor a version.*" 'it says so'
like "$OUT" "did you mean '1.4.0'\?" 'and which one may be meant'
exits 0 'the history' "$FIRN" size greeter.yaml --history
is "$(awk 'NR > 1 { print $3, $4, $6, $8, $9 }' <<<"$OUT" | sed 's/  *$//; s/+[0-9][0-9]*/+N/g')" '1.4.0 NETDUINO2 812
1.5.0 NETDUINO2 +N greet.py +N' 'two images, and what grew most'
is "$(find "$FIRN_HOME/history" -name '*.jsonl' | wc -l)" 1 'one file for a manifest'
printf '{"key": "cut sho' >>"$(echo "$FIRN_HOME"/history/*.jsonl)"
sed -i 's/^version: .*/version: 1.5.1/' greeter.yaml
exits 0 'a line that a killed process left' "$FIRN" -q build greeter.yaml
exits 0 'the history goes on' "$FIRN" size greeter.yaml --history
is "$(awk 'NR > 1 { print $3 }' <<<"$OUT" | paste -sd ' ')" '1.4.0 1.5.0 1.5.1' 'without it'

# ---- as data, and as a page ----
exits 0 'as JSON' "$FIRN" size --json greeter.yaml --diff old/greeter-1.4.0.json
like "$OUT" '"diff":\{"c_modules":\[\],"flash":\{"before":[0-9]+,"now":[0-9]+\}' 'the differences'
like "$OUT" '"size":\{"c_modules":' 'the size'
exits 0 'a page' "$FIRN" size greeter.yaml --html size.html
like "$OUT" '^size.html: greeter 1.5.1 for NETDUINO2$' 'it says so'
unlike "$OUT" 'MODULE' 'and prints no tables'
like "$(cat size.html)" '<script type="application/json" id="data">\{"name":"greeter 1.5.1' 'the page has its data'
unlike "$(cat size.html)" '(src|href)=' 'and needs nothing else'

# ---- what is wrong ----
exits 2 'an image that is not there' "$FIRN" size nothing.dfu
like "$OUT" "there is no file 'nothing.dfu'" 'it says so'
cp old/greeter-1.4.0.dfu alone.dfu
exits 1 'an image without a sidecar' "$FIRN" size alone.dfu
like "$OUT" 'only an image that firn built' 'it says what is needed'
echo '{"product": "greeter"}' >alone.json
exits 1 'an old sidecar' "$FIRN" size alone.dfu
like "$OUT" 'made by an older firn: build it again' 'it says what to do'
exits 2 'no argument' "$FIRN" size
exits 2 'the history of an image' "$FIRN" size old/greeter-1.4.0.dfu --history
exits 2 'two' "$FIRN" size greeter.yaml old/greeter-1.4.0.dfu
exits 2 'an unknown option' "$FIRN" size --foo greeter.yaml
done_testing

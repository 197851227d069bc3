#!/bin/bash
# firn qstrs: the documented procedure, on QEMU and on the unix port: names in RAM before, none after;
# names of every kind; what a person wrote stays.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
mkdir -p "$T/p/texts"
cd "$T/p" || exit 1

cat >texts/odd.py <<'END'
class Box:
    pass


box = Box()
for name in ("two words", "it's", 'say "please" to it', "first line\nsecond line", "a\nb",
             "grüße aus dem Süden", "€", "x" * 255, "tab\tand more of it", "Q(x)", "# no comment",
             "back\\slash in it", "trailing space "):
    setattr(box, name, 1)
END
echo 'import odd' >caller.py

# manifest NAME BOARD [LINES]
manifest() {
    cat >"$1.yaml" <<END
firn: 1
product: $1
version: 1.0
firmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}
board: $2
frozen:
  - freeze_as_str: texts
  - module: caller.py
${3:-}
END
}
netduino='{port: qemu, name: NETDUINO2}' unix='{port: unix, name: standard}'

# ---- the procedure ----
for name in qemu native; do
    rm -f qstrs.txt
    [ $name = qemu ] && manifest qemu "$netduino" || manifest native "$unix"
    cp $name.yaml before.yaml
    exits 1 "$name: --check, without a list" "$FIRN" qstrs $name.yaml --check
    like "$OUT" "error: $name.yaml: [0-9]+ names in RAM could be in flash" "$name: it says how many"
    ok "$name: --check writes nothing" cmp $name.yaml before.yaml
    exits 0 "$name: --dry-run" "$FIRN" qstrs $name.yaml --dry-run -q
    ok "$name: --dry-run writes nothing" cmp $name.yaml before.yaml
    exits 0 "$name: the procedure" "$FIRN" qstrs $name.yaml
    like "$OUT" '^qstrs.txt: 18 names; in RAM 18 before, 0 after$' "$name: all are gone"
    like "$OUT" '^  RAM of the imports [0-9]+ -> [0-9]+ bytes \(-[0-9]+\), flash [0-9]+ -> [0-9]+ \(\+[0-9]+\)$' \
        "$name: what it saves and costs"
    like "$OUT" '^odd.py +odd$' "$name: who brings a name"
    like "$OUT" '^caller +caller$' "$name: ... the one with the fewest others"
    is "$(diff before.yaml $name.yaml)" "$(printf '9a10,12\n> \n> qstrs:\n>   - file: qstrs.txt')" \
        "$name: the manifest has the file"
    exits 0 "$name: --check, with it" "$FIRN" qstrs $name.yaml --check
    cp qstrs.txt first.txt
    exits 0 "$name: once more" "$FIRN" qstrs $name.yaml
    same qstrs.txt first.txt "$name: the same list"
done
{
    echo '# ---- found by firn qstrs, whose next run replaces all that follows ----'
    printf '# caller\nQ(caller)\n# odd\nQ(# no comment)\nQ(Box)\nQ(Q(x))\n"a\\nb"\nQ(back\\slash in it)\nQ(box)\n'
    printf '"first line\\nsecond line"\nQ(grüße aus dem Süden)\nQ(it'"'"'s)\nQ(odd.py)\n'
    printf 'Q(say "please" to it)\n"tab\\tand more of it"\nQ(trailing space )\nQ(two words)\nQ(x)\n'
    printf 'Q(%0255d)\n' 0 | tr 0 x
    printf 'Q(€)\n'
} >expected.txt
same qstrs.txt expected.txt 'the list: by module, sorted'

# ---- what a person wrote ----
printf '# Ours.\nQ(box)\nlater\n' >qstrs.txt
exits 0 'a list of a person' "$FIRN" qstrs native.yaml
is "$(head -4 qstrs.txt)" '# Ours.
Q(box)
later
# ---- found by firn qstrs, whose next run replaces all that follows ----' 'it stays in front'
is "$(grep -c '^Q(box)' qstrs.txt)" 1 'its names are not listed again'
manifest flow "$unix" 'qstrs: [Box, later]'
rm qstrs.txt
exits 0 'qstrs in brackets' "$FIRN" qstrs flow.yaml
like "$(cat flow.yaml)" '^qstrs: \[\{file: qstrs.txt\}, Box, later\]$' 'the file is added'
is "$(grep -c 'Box' qstrs.txt)" 0 'a name of the manifest is not listed again'
manifest block "$unix" 'qstrs:
  # our own
  - Box
check: {expect: ""}'
rm qstrs.txt
exits 0 'qstrs in lines' "$FIRN" qstrs block.yaml
is "$(sed -n '/^qstrs/,$p' block.yaml)" 'qstrs:
  # our own
  - file: qstrs.txt
  - Box
check: {expect: ""}' 'the file is added'

# ---- as data, and what is wrong ----
"$FIRN" qstrs native.yaml --json | tail -1 >report
is "$(python3 -c 'import json
r = json.load(open("report"))["qstrs"][0]
print(len(r["names"]), r["names_after"], r["ram_after"] < r["ram"], r["names"][1])')" \
    "18 [] True {'module': 'odd', 'name': 'Box'}" 'as data'
echo 'raise ValueError' >caller.py
exits 1 'a module that fails' "$FIRN" qstrs native.yaml
like "$OUT" "the modules cannot be imported together: raised" 'it says so'
like "$OUT" "'firn check' shows which" 'and what to do'
printf 'def setter(box):\n    setattr(box, ")\\nQ(tricky", 1)\n' >caller.py
cat >>caller.py <<'END'
import odd
setter(odd.box)
END
mv caller.py texts/ && sed -i '/caller.py/d' native.yaml
exits 1 'a name that looks like two' "$FIRN" qstrs native.yaml
like "$OUT" 'names in RAM, and [0-9]+ were printed' 'it says so'
exits 2 'no manifest' "$FIRN" qstrs
done_testing

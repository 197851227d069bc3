#!/bin/bash
# firn validate: every bad manifest of tests/data/bad beside what it must print, byte for byte.
. "$(dirname "$0")/../tap.sh"
export FIRN_HOME=$T/home FIRN_CONFIG=$T/config.yaml
echo "mirrors: {}" >"$FIRN_CONFIG"

cd "$TOP/tests/data/bad" || exit 1
for manifest in *.yaml; do
    name=${manifest%.yaml}
    exits 2 "$name: exit status 2" "$FIRN" validate "$manifest"
    printf '%s\n' "$OUT" >"$T/$name"
    same "$T/$name" "$name.expected" "$name: the errors"
done
for expected in *.expected; do
    [ -e "${expected%.expected}.yaml" ] || fail "$expected has no manifest"
done

# Hostile sizes: refused, and at once.
head='firn: 1
product: bad
'
{ printf '%s' "${head}frozen: " && head -c 100000 /dev/zero | tr '\0' '['; } >"$T/brackets.yaml"
exits 2 '100,000 nested brackets' timeout 2 "$FIRN" validate "$T/brackets.yaml"
like "$OUT" 'brackets.yaml:3:[0-9]+: .*(nest|deep|level)' 'brackets: says where and why'
{ printf '%s' "$head" && yes '# padding' | head -c 10485760; } >"$T/large.yaml"
exits 2 '10 MB of YAML' timeout 2 "$FIRN" validate "$T/large.yaml"
like "$OUT" 'large.yaml.*too large' 'large: says why'
exits 2 'a directory' "$FIRN" validate "$T"
exits 2 'no such file' "$FIRN" validate "$T/none.yaml"
like "$OUT" "none.yaml" 'no such file: named'

# qstr lines that are no names are removed with a warning, and the manifest is good.
cd "$TOP/tests/data/qstr" || exit 1
exits 0 'qstr lines: exit status 0' "$FIRN" validate lines.yaml
printf '%s\n' "$OUT" >"$T/lines"
same "$T/lines" lines.expected 'qstr lines: the warnings'

# What is in the repository is good, several at once; one bad one among good ones is enough to fail.
cd "$TOP" || exit 1
exits 0 'the products' "$FIRN" validate manifests/*.yaml
is "$(grep -c ': ok (' <<<"$OUT")" "$(find manifests -maxdepth 1 -name '*.yaml' | wc -l)" 'the products: a line each'
exits 2 'good and bad' "$FIRN" validate manifests/greeter.yaml tests/data/bad/empty.yaml
like "$OUT" '^manifests/greeter.yaml: ok \(greeter ' 'good and bad: the good one is said to be'
exits 2 'no manifest is named' "$FIRN" validate
exits 2 'an unknown option' "$FIRN" validate --shema manifests/greeter.yaml
exits 0 'quiet' "$FIRN" validate -q manifests/greeter.yaml
is "$OUT" '' 'quiet: prints nothing'

# Events and the schema.
exits 2 'events' "$FIRN" validate --json tests/data/bad/unknown-key.yaml
like "$OUT" '"column":1,.*"line":6' 'events: the place is a field'
like "$(tail -n 1 <<<"$OUT")" '"event":"result".*"ok":false' 'events: the result comes last'
"$FIRN" validate --schema >"$T/schema.json"
same "$T/schema.json" manifests/manifest.schema.json 'the schema is the one in the repository'

# What it says to firnd is in the result; what it does not say is null.
sed 's/^board:.*/&\nfirnd: {auto_build: false, follow: hourly, memory: 1.5G, cores: 2}/' \
    tests/data/qstr/lines.yaml >"$T/firnd.yaml"
cp tests/data/qstr/*.txt "$T"
exits 0 'firnd: good' "$FIRN" validate --json "$T/firnd.yaml"
result=$(tail -n 1 <<<"$OUT")
for field in '"auto_build":false' '"follow":"hourly"' '"memory":1610612736' '"cores":2' '"board":"[A-Z0-9]+"'; do
    like "$result" "$field" "firnd: $field"
done
exits 0 'no firnd' "$FIRN" validate --json tests/data/qstr/lines.yaml
result=$(tail -n 1 <<<"$OUT")
for field in auto_build follow memory cores; do
    like "$result" "\"$field\":null" "no firnd: $field is null"
done

# Standard output that cannot take what is printed, or is closed.
exits 1 'a full disk' bash -c '"$0" validate manifests/greeter.yaml >/dev/full' "$FIRN"
like "$OUT" 'cannot write to standard output: No space left on device' 'a full disk: says so'
exits 0 'standard output is closed' bash -c '"$0" validate manifests/greeter.yaml >&-' "$FIRN"
exits 0 'nobody reads' bash -c 'trap "" PIPE; "$0" validate --schema | true; exit ${PIPESTATUS[0]}' "$FIRN"
exits 0 'help help' "$FIRN" help help
done_testing

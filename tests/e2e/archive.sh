#!/bin/bash
# A build whose sources are an archive: downloaded, unpacked, built, not asked for again; refused when
# it is another one.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
mirror=$(sed -n 's,.*micropython/: ,,p' "$FIRN_CONFIG")micropython.git
own_home "$T/home"
export FIRN_CONFIG=$T/config.yaml
unset http_proxy
mkdir "$T/www"
git -C "$mirror" archive --format=tar.gz --prefix=micropython-1.25.0/ v1.25.0 >"$T/www/mpy.tar.gz"
sha256=$(sha256sum <"$T/www/mpy.tar.gz" | cut -d' ' -f1)
rm -rf "$FIRN_HOME/src/${sha256:0:40}-archive"

"$TOP/tests/http-server" "$T/www" >"$T/port" &
server=$!
trap 'kill $server; tap_end' EXIT
while [ ! -s "$T/port" ]; do sleep 0.1; done
url=http://127.0.0.1:$(cat "$T/port")/plain/mpy.tar.gz
echo "mirrors: {'https://example.org/mpy.tar.gz': '$url'}" >"$FIRN_CONFIG"

cat >"$T/p.yaml" <<END
firn: 1
product: packed
version: 1.0.0
firmware: {archive: "https://example.org/mpy.tar.gz", sha256: $sha256}
board: {port: minimal, name: STM32F405}
END
cd "$T" || exit 1

exits 3 'offline, and not here: exit status 3' "$FIRN" build --offline p.yaml
like "$OUT" 'p.yaml:4:21: firmware: .*--offline forbids' 'offline: said, at its place'
exits 0 'it builds' "$FIRN" build p.yaml -o out
field() { python3 -c "import json,sys;d=json.load(open('out/packed-1.0.0.json'));print(eval(sys.argv[1]))" "$1"; }
is "$(field "d['source']['describe']")" v1.25.0 'the version is the directory'\''s'
is "$(field "d['source']['commit']")" "${sha256:0:40}" 'the commit is the archive'\''s hash'
is "$(field "d['source']['url']")" https://example.org/mpy.tar.gz 'the URL is the manifest'\''s'
is "$(field "d['unreleasable']")" '[]' 'it can be released'
exits 0 'once more' "$FIRN" build p.yaml -o out
like "$OUT" unchanged 'unchanged'
kill $server
wait $server 2>/dev/null
rm -rf "$FIRN_HOME/downloads"
exits 0 'offline, without the server and the download' "$FIRN" build --offline p.yaml -o out
is "$(wc -l <"$T/www/requests")" 1 'one request in all'
exits 0 'its boards are listed' "$FIRN" boards --offline --source p.yaml NETDUINO2
like "$OUT" "source +micropython v1.25.0 \\(${sha256:0:10}\\)" 'its boards: of which source'
like "$OUT" 'archive: "https://example.org/mpy.tar.gz", sha256: "'$sha256'"' 'its boards: the lines for a manifest'
exits 0 'validate knows its boards' "$FIRN" validate p.yaml

sed "s/$sha256/${sha256//[0-9]/0}/" p.yaml >other.yaml
"$TOP/tests/http-server" "$T/www" >"$T/port2" &
server=$!
while [ ! -s "$T/port2" ]; do sleep 0.1; done
echo "mirrors: {'https://example.org/': 'http://127.0.0.1:$(cat "$T/port2")/plain/'}" >"$FIRN_CONFIG"
exits 3 'another hash: exit status 3' "$FIRN" build other.yaml -o out
like "$OUT" "other.yaml:4:21: .*sha256 .* expected, $sha256 came" 'another hash: both are said'

# What is first fetched is locked; the same file has to come anywhere else.
sed 's/, sha256: [0-9a-f]*//' p.yaml >first.yaml
exits 0 'lock an archive without a hash' "$FIRN" -q lock first.yaml
ok 'the lock has its hash' grep -qx -- "- source archive: sha256 $sha256" first.yaml.lock
mkdir "$T/elsewhere"
export FIRN_HOME=$T/elsewhere
gzip -dc "$T/www/mpy.tar.gz" | gzip -1 >"$T/www/again"
mv "$T/www/again" "$T/www/mpy.tar.gz"
exits 3 'a replaced archive: --locked refuses' "$FIRN" -q build --locked first.yaml -o out
like "$OUT" "the locked archive cannot be had: .*sha256 $sha256 expected" 'a replaced archive: by name'
exits 3 'and without --locked' "$FIRN" -q build first.yaml -o out
export FIRN_HOME=$T/home

sed 's/^board:.*/board: NETDUINO2\nfrozen: [{require: aioble}]/' p.yaml >library.yaml
exits 2 'a library that the archive has not' "$FIRN" build library.yaml -o out
like "$OUT" 'needs micropython-lib: lib/micropython-lib is empty in the archive' 'library: says so'
done_testing

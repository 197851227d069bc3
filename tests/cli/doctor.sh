#!/bin/bash
# firn doctor: what is there, what is missing, how to get it; a toolchain that it downloads.
. "$(dirname "$0")/../tap.sh"
export FIRN_HOME=$T/home FIRN_CONFIG=$T/config.yaml
unset http_proxy
echo "mirrors: {}" >"$FIRN_CONFIG"
cd "$T" || exit 1

# A toolchain of scripts, served from here, and definitions that name it.
mkdir -p www fake-1/bin data/toolchains
# shellcheck disable=SC2016 # the script expands
printf '#!/bin/sh\ncase $1 in\n-dumpfullversion) echo 13.3.1;;\n-dumpmachine) echo fake-elf;;\n*) echo x;;\nesac\n' >fake-1/bin/fake-gcc
chmod +x fake-1/bin/fake-gcc
tar -czf www/fake.tar.gz fake-1
"$TOP/tests/http-server" www >port &
server=$!
trap 'kill $server; tap_end' EXIT
while [ ! -s port ]; do sleep 0.1; done
cp "$TOP"/toolchains/*.yaml data/toolchains/
cp -r "$TOP/firmware-src" data/
cat >data/toolchains/fake.yaml <<END
prefix: fake-
version: "13"
tools: [gcc]
programs: []
files: []
debian: [gcc-fake]
download:
  $(uname -m)-linux: {url: "http://127.0.0.1:$(cat port)/plain/fake.tar.gz", version: "13.3.1", strip: 1}
END
export FIRN_DATA=$T/data
cat >p.yaml <<END
firn: 1
product: fake
version: 1.0.0
firmware: {path: .}
board: {port: qemu, name: NETDUINO2}
toolchain: fake
frozen: []
END

exits 0 'the machine: exit status 0' "$FIRN" doctor
like "$OUT" '^ok +make: GNU Make .*, /' 'make, with its version'
like "$OUT" '^ok +git: libgit2 [0-9.]+' 'libgit2'
like "$OUT" '^ok +sandbox: bubblewrap works' 'the sandbox'
like "$OUT" '^ok +toolchain host: ' 'the compiler of this machine'
like "$OUT" "^ok +FIRN_HOME: $FIRN_HOME, .* free" 'FIRN_HOME and its space'
like "$OUT" "^ok +config.yaml: $FIRN_CONFIG" 'the configuration that was read'
like "$OUT" '^optional  toolchain fake: .*not downloaded yet' 'a toolchain that is not here is no matter'
like "$OUT" 'firn doctor --fetch fake' 'and how to get it'

exits 1 'a manifest that needs it: exit status 1' "$FIRN" doctor p.yaml
like "$OUT" '^missing +p.yaml: toolchain fake: ' 'it is missing then'
like "$OUT" '^ok +p.yaml: sources: the directory .' 'the sources are there'
exits 0 'fetched: exit status 0' "$FIRN" doctor --fetch fake p.yaml
like "$OUT" "^ok +p.yaml: toolchain fake: 13.3.1, $FIRN_HOME/toolchains/store/.*, downloaded" 'and said where'
is "$(grep -c . www/requests)" 1 'downloaded once'

json=$("$FIRN" doctor --json p.yaml | tail -n 1)
is "$(python3 -c 'import json,sys; d=json.loads(sys.argv[1]); print(d["event"], d["ok"], [c["state"] for c in d["checks"] if c["name"]=="toolchain fake"])' "$json")" "result True ['ok']" '--json: the checks are in the result'

chmod u+w "$FIRN_HOME"/toolchains/store/*/bin "$FIRN_HOME"/toolchains/store/*/bin/fake-gcc
echo '# changed' >>"$(echo "$FIRN_HOME"/toolchains/store/*/bin/fake-gcc)"
exits 1 'a changed compiler: exit status 1' "$FIRN" doctor p.yaml
like "$OUT" 'bin/fake-gcc is not what it was when the toolchain was unpacked' 'it is named'

exits 1 'a toolchain that does not exist' "$FIRN" doctor --fetch fakke
like "$OUT" "did you mean 'fake'" 'a near name is suggested'
exits 1 'one that cannot be downloaded' "$FIRN" doctor --fetch arm-none-eabi
like "$OUT" "cannot be downloaded for $(uname -m)-linux" 'said'
echo 'nothing: 1' >bad.yaml
exits 1 'a bad manifest' "$FIRN" doctor bad.yaml
like "$OUT" 'bad.yaml: the manifest has errors' 'is missing, too'
mkdir bin
ln -s /bin/sh bin/sh
exits 1 'nothing on PATH: exit status 1' env PATH="$T/bin" "$FIRN" doctor
like "$OUT" '^missing +make: not on PATH' 'make is missing'
like "$OUT" '  apt-get install make$' 'with the package'
like "$OUT" '^missing +sandbox: .*bubblewrap is not installed' 'the sandbox, too'
like "$OUT" '^optional +ccache: not on PATH' 'ccache need not be there'
exits 2 'an unknown option' "$FIRN" doctor --fix
done_testing

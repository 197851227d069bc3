#!/bin/bash
# A product from a stranger: its manifest.py, its C module's makefile and its make variables try to
# read a secret, to write to the sources, to reach the network and other processes, and to have firn
# itself read a file for them. Each attempt that succeeds is told in the build's own output.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../home.sh"
own_home "$T/home" bases
mkdir -p "$T/p/c_modules/evil" "$T/outside"
echo 'the secret: 7391' >"$T/outside/secret.py"
echo 'the secret: 7391' >"$T/outside/secret"
export SECRET_IN_ENVIRONMENT=7391
cd "$T/p" || exit 1
tree=$(find -L "$FIRN_HOME/src" -mindepth 2 -maxdepth 2 -name tree | head -1)
[ -n "$tree" ] || { "$FIRN" -q build "$TOP/manifests/greeter.yaml" -o "$T/first" >/dev/null && tree=$(find -L "$FIRN_HOME/src" -mindepth 2 -maxdepth 2 -name tree | head -1); }
state() { find "$tree/ports/qemu" "$T/p" "$T/outside" -printf '%p %T@ %s\n' | sort | sha256sum; }

# Somebody listens on this machine.
python3 -c '
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
import os; os.rename(sys.argv[1] + ".new", sys.argv[1])
s.accept(); open(sys.argv[1] + ".reached", "w")' "$T/port" &
listener=$!
for _ in {1..100}; do [ -s "$T/port" ] && break; sleep 0.05; done
port=$(cat "$T/port")

cat >try.py <<END
import os, socket, sys
got = []
def attempt(name, f):
    try:
        if f() is not False:
            got.append(name)
    except Exception:
        pass
def reads(path):
    return lambda: open(path).read()
def writes(path):
    return lambda: open(path, "w").write("x")
for path in ("$T/outside/secret", "/etc/shadow", "/etc/passwd", "/root/.profile", "$HOME/.bashrc", "$TOP/README.md"):
    attempt("read " + path, reads(path))
sandboxed = os.path.isdir("/product")  # outside, only what does no harm is tried
for path in sandboxed and ("/src/ports/qemu/main.c", "/src/new", "$tree/new", "/product/new", "/product/p.yaml", "/usr/bin/new", "/mpy-cross/mpy-cross", "$FIRN_HOME/new") or ():
    attempt("write " + path, writes(path))
attempt("network", lambda: socket.create_connection(("127.0.0.1", $port), 2))
attempt("environment", lambda: os.environ["SECRET_IN_ENVIRONMENT"])
attempt("home", lambda: os.listdir(os.path.expanduser("~")))
attempt("other processes", lambda: [p for p in os.listdir("/proc") if p.isdigit() and int(p) > 1 and b"hostile-build.sh" in open("/proc/%s/cmdline" % p, "rb").read()] != [] or False)
attempt("end our parent", lambda: os.kill($$, 0))
attempt("mount", lambda: sandboxed and os.system("mount -t tmpfs none /mnt 2>/dev/null") == 0 or False)
attempt("become root", lambda: sandboxed and os.setuid(0))
attempt("memory", lambda: sandboxed and bytearray(6 << 30))
END
cat >manifest.py <<END
exec(open("/product/try.py").read())
if got:
    raise Exception("GOT " + ", ".join(got))
END
cat >c_modules/evil/micropython.mk <<'END'
GOT := $(shell cat $(wildcard /product/c_modules/evil/try.py) | python3 - 2>/dev/null)
ifneq ($(GOT),)
$(error GOT $(GOT))
endif
SRC_USERMOD += $(USERMOD_DIR)/evil.c
END
cp try.py c_modules/evil/try.py
echo 'if got: print("GOT", got)' >>c_modules/evil/try.py
echo '/* nothing */' >c_modules/evil/evil.c
manifest() { # MORE...
    printf 'firn: 1\nproduct: stranger\nversion: 1.0\nfirmware: {git: "https://github.com/micropython/micropython.git", ref: v1.25.0}\n' >p.yaml
    printf 'board: {port: qemu, name: NETDUINO2}\n' >>p.yaml
    printf '%s\n' "$@" >>p.yaml
}
before=$(state)

manifest 'frozen: [{include: manifest.py}]' 'c_modules: [c_modules/evil]'
before=$(state)
exits 0 'a manifest.py and a makefile that try everything: nothing succeeds' "$FIRN" -q build p.yaml -o "$T/out"
unlike "$OUT" 'GOT' 'neither says that it got anything'
is "$(state)" "$before" 'the sources, the product and what lies outside are as before'
ok 'nobody reached the listener' test ! -e "$T/port.reached"
ok 'the sidecar lets the image be released' grep -q '"unreleasable": \[\]' "$T/out/stranger-1.0.json"

# The same attempts do succeed without a sandbox: they are worth something.
sed -i "s,/product/try.py,$T/p/try.py," manifest.py
exits 2 'outside the sandbox they succeed' "$FIRN" -q build --unsandboxed p.yaml -o "$T/out2"
like "$OUT" 'GOT .*secret' 'outside the sandbox a manifest.py reads the secret'
like "$OUT" 'GOT .*network' 'outside the sandbox it reaches the network'

# ---- firn itself as the accomplice ----
manifest 'frozen: [{include: manifest.py}]'
echo "freeze('$T/outside', 'secret.py')" >manifest.py
exits 2 'a manifest.py that names a file elsewhere' "$FIRN" -q build p.yaml -o "$T/out3"
ln -s "$T/outside/secret.py" link.py
echo 'module("link.py")' >manifest.py
exits 2 'a manifest.py that names a link to elsewhere' "$FIRN" -q build p.yaml -o "$T/out3"
rm link.py

# After the program was linked, a makefile puts a link to a secret in its place, and in the map's.
cat >c_modules/evil/micropython.mk <<END
SRC_USERMOD += \$(USERMOD_DIR)/evil.c
SIZE = ln -sf $T/outside/secret /build/firmware.map; ln -sf $T/outside/secret
END
manifest 'c_modules: [c_modules/evil]'
exits 1 'a makefile that leaves a link in place of the program' "$FIRN" -q build p.yaml -o "$T/out4"
ok 'no output has the secret' bash -c "! grep -rqs 7391 '$T'/out*/*.elf '$T'/out*/*.map '$T'/out*/*.bin"
is "$(find "$T"/out3 "$T"/out4 -type f 2>/dev/null)" '' 'nothing was written'

# ---- limits ----
cat "$FIRN_CONFIG" - >"$T/config.yaml" <<<'limits: {file_mib: 4, memory_mib: 512}'
export FIRN_CONFIG=$T/config.yaml
# shellcheck disable=SC2016 # make expands it
echo '$(error $(shell (head -c 9000000 /dev/zero >/build/big) 2>&1; stat -c %s /build/big) $(shell python3 -c "bytearray(600 << 20)" 2>&1 | tail -1))' >c_modules/evil/micropython.mk
exits 1 'a makefile that writes more, and takes more memory, than it may' "$FIRN" -q build p.yaml -o "$T/out5"
like "$OUT" $((4 << 20)) 'the file ends at the limit'
like "$OUT" MemoryError 'so does the memory'

kill "$listener" 2>/dev/null
wait "$listener" 2>/dev/null
done_testing

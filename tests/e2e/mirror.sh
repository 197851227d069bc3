#!/bin/bash
# firmware-src/mirror: where it asks, what it accepts, and that a mirror that is there asks nobody.
# apt and the network are played by small programs; the mirror itself is the one `make mirror` made.
. "$(dirname "$0")/../tap.sh"
MIRROR=$TOP/firmware-src/mirror
export FIRN_UPSTREAM=file:///nonexistent/micropython.git

mkdir -p "$T/bin" "$T/apt"
cat >"$T/bin/apt-config" <<END
#!/bin/sh
echo "LIST='$T/apt/sources.list'"
echo "PARTS='$T/apt/parts/'"
END
# Keeps the list it was given; "downloads" a tarball of the right name and the wrong content.
cat >"$T/bin/apt-get" <<END
#!/bin/sh
echo "\$*" >>"$T/asked"
for a; do
    case \$a in Dir::Etc::sourcelist=*) cp "\${a#*=}" "$T/list" ;; esac
done
case "\$*" in *source*--download-only*) echo wrong >"micropython_1.25.0+ds.orig.tar.xz" ;; esac
END
chmod +x "$T"/bin/*

run() { PATH=$T/bin:$PATH "$MIRROR" "$T/out"; }
# sources TEXT FILE: the machine's configuration is this one file
sources() { rm -rf "$T/apt" "$T/list" "$T/asked"; mkdir -p "$T/apt/parts"; printf '%b' "$1" >"$T/apt/$2"; }
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")

exits 2 "no directory is a usage error" "$MIRROR"
like "$OUT" "usage: firmware-src/mirror DIR" "and says what it takes"

sources "# deb http://commented/debian $suite main\n\
deb http://security.example/debian-security $suite-security main\n\
deb [arch=amd64 signed-by=/keys/a.gpg] http://one.example/debian $suite main contrib # x\n" sources.list
exits 1 "a tarball of other content is refused" run
like "$OUT" "orig.tar.xz has sha256 [0-9a-f]{64}, expected [0-9a-f]{64}" "and says what it is"
same "$T/list" <(printf 'Types: deb-src\nURIs: http://one.example/debian\nSuites: trixie\nComponents: main\nSigned-By: /keys/a.gpg\n') \
    "the list is made from the one-line entry"
like "$(cat "$T/asked")" "Dir::State::lists=/.* Dir::Cache=/.* update" "lists and cache are private ones"
ok "nothing half made is left" test -z "$(ls -A "$T/out")"

sources "Types: deb\nURIs: http://other.example/debian\nSuites: $suite\nComponents: main\nEnabled: no\n\n\
Types: deb deb-src\n# comment\nURIs: http://two.example/debian/\nSuites: $suite $suite-updates\n\
Components: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n" parts/debian.sources
exits 1 "the same from deb822" run
same "$T/list" <(printf 'Types: deb-src\nURIs: http://two.example/debian/\nSuites: trixie\nComponents: main\nSigned-By: \n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n') \
    "the list is made from the stanza, with its key"

sources "deb http://vendor.example/tools $suite main\ndeb http://three.example/debian $suite main\n" sources.list
exits 1 "several archives with a component main" run
like "$(cat "$T/list")" "three.example/debian" "Debian's own is asked first"

sources "deb http://security.example/debian-security $suite-security main\n" sources.list
exits 1 "no archive at all" run
like "$OUT" "no entry for Debian's main archive" "is said"
like "$OUT" "put a bare repository with the tag at $T/out/micropython.git" "with the next step"
ok "and apt is not asked" test ! -e "$T/asked"

cp -r "$TOP/build/mirror/micropython.git" "$T/out/"
exits 0 "a mirror that is there is enough" run
like "$OUT" "v1.25.0 is [0-9a-f]{40},$" "it says what it is"
like "$OUT" "^  from (upstream|Debian's source package)" "and where it came from"
ok "nobody is asked" test ! -e "$T/asked"
unlike "$OUT" "asking" "nor said to be"

rm -rf "$T/out/micropython.git"
git init -q --bare "$T/out/micropython.git"
exits 1 "another repository of that name is left alone" run
like "$OUT" "does not hold v1.25.0: remove it and run this again" "and named"
done_testing

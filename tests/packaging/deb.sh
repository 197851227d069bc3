#!/bin/bash
# The Debian packages: built twice to the same bytes, judged by lintian, installed by apt into a root of
# their own, used there as a user and as the unit would, removed. Needs root and Debian's archive; what
# is downloaded is kept in build/deb.
. "$(dirname "$0")/../tap.sh"
built=$TOP/build/deb cache=$TOP/build/deb/cache
[ "$(id -u)" = 0 ] || {
    skip 'not root: packages cannot be installed into a root of their own'
    done_testing
}

# ---- the packages by themselves ------------------------------------------------------------------
version=$(sed -n 's/^#define FIRN_VERSION "\(.*\)"$/\1/p' "$TOP/base/version.h")
arch=$(dpkg --print-architecture)
firn_deb=firn_$version-1_$arch.deb firnd_deb=firnd_$version-1_$arch.deb
ok 'there are both packages' test -e "$built/$firn_deb" -a -e "$built/$firnd_deb"
exits 0 'built again' "$TOP/packaging/build-deb" "$T/again"
ok 'firn: the same bytes' cmp "$built/$firn_deb" "$T/again/$firn_deb"
ok 'firnd: the same bytes' cmp "$built/$firnd_deb" "$T/again/$firnd_deb"
is "$(lintian --allow-root --display-level '>=warning' "$built/$firn_deb" "$built/$firnd_deb" 2>&1)" '' 'lintian: no error, no warning'
is "$(awk '!/^#/ && $2 == "build" && $1 !~ /^libc6-dev$/ { print $1 }' "$TOP/packages.txt" |
    while read -r package; do grep -qE "^ $package,?$" "$TOP/packaging/debian/control" || echo "$package"; done)" \
    '' 'Build-Depends has what packages.txt says is needed to build'
unlike "$(dpkg-deb -c "$built/$firn_deb"; dpkg-deb -c "$built/$firnd_deb")" "usr/local|$(basename "$TOP")/" 'no path of the machine that built it'
dpkg-deb -x "$built/$firn_deb" "$T/x"
ok 'nor in the program' sh -c "! grep -aqF '$TOP' '$T/x/usr/bin/firn'"

# ---- a root of its own ---------------------------------------------------------------------------
root=$T/root
mkdir -p "$cache/archives/partial" "$root"
if [ ! -e "$cache/root.tar" ]; then
    mmdebstrap --quiet --variant=minbase --include=systemd,udev,man-db,groff-base,curl bookworm "$cache/root-new.tar" \
        >"$cache/mmdebstrap.log" 2>&1 && mv "$cache/root-new.tar" "$cache/root.tar" || {
        fail 'a root by mmdebstrap' "$(tail -n 20 "$cache/mmdebstrap.log")"
        done_testing
    }
fi
tar -C "$root" --numeric-owner -xf "$cache/root.tar"
# Nothing may be started by being installed.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
cp "$built/$firn_deb" "$built/$firnd_deb" "$root/"
# in_root COMMAND...: as root there; its mounts and processes end with it
in_root() {
    # shellcheck disable=SC2016 # the inner shell expands
    unshare --mount --pid --fork --propagation private sh -c '
        root=$1 archives=$2
        shift 2
        cp /etc/resolv.conf "$root/etc/resolv.conf"
        mount --bind "$root" "$root" && mount --rbind /dev "$root/dev" && mount -t proc proc "$root/proc" &&
        mount --bind "$archives" "$root/var/cache/apt/archives" && cd "$root" && pivot_root . . &&
        umount -l . && cd / &&
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            ${http_proxy:+http_proxy="$http_proxy"} "$@"' _ "$root" "$cache/archives" "$@"
}
apt_get() { in_root apt-get -y -q -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 "$@"; }
exits 0 'apt-get update' apt_get update
(cd "$root" && find . -xdev -name '*firn*' | sort) >"$T/before"

exits 0 'firn alone, with nothing that is only recommended' apt_get install --no-install-recommends "/$firn_deb"
exits 0 'firn --version' in_root firn --version
is "$OUT" "firn $version" '... is this one'
exits 0 'it finds its data' in_root env FIRN_HOME=/tmp/h firn boards --help
exits 0 'it converts firmware files' in_root sh -c 'head -c 4096 /dev/zero >/tmp/f.bin; firn image /tmp/f.bin --address 0x08000000 --usb 0483:df11 -o /tmp/f.dfu'
exits 0 'man firn' in_root sh -c 'man firn | head -n 4'
like "$OUT" 'firn.*MicroPython firmware from one manifest' '... is there'
exits 0 'man 5 firn-manifest' in_root sh -c 'man 5 firn-manifest | cat'
exits 0 'the group firn' in_root getent group firn
exits 2 'no user without the daemon' in_root getent passwd firn
exits 1 'firn doctor says what a build needs' in_root env FIRN_HOME=/tmp/h firn doctor
like "$OUT" '^missing +make' '... make, for one'

# apt looks at recommendations when a package is new.
exits 0 'removed' apt_get remove firn
exits 0 'firnd and what is recommended for building' apt_get install "/$firnd_deb" "/$firn_deb"
exits 0 'firn doctor' in_root env FIRN_HOME=/tmp/h firn doctor
unlike "$OUT" '^missing' '... nothing is missing'
like "$(in_root id firn)" '\(firn\) gid=[0-9]+\(firn\).*dialout.*plugdev|\(firn\) gid=[0-9]+\(firn\).*plugdev.*dialout' 'the user firn, in dialout and plugdev'
is "$(in_root getent passwd firn | cut -d: -f6,7)" '/var/lib/firn:/usr/sbin/nologin' '... who cannot log in'
is "$(in_root stat -c '%A %U %G' /etc/firn/firnd.yaml)" '-rw-r----- root firn' '/etc/firn/firnd.yaml: root and the group read it'
is "$(in_root stat -c '%A %U %G' /var/lib/firn)" 'drwxr-x--- firn firn' '/var/lib/firn'
is "$(in_root stat -c '%A %U %G' /run/firn)" 'drwxr-x--- firn firn' '/run/firn'
for unit in firnd.service firnd.socket; do
    is "$(in_root systemctl is-enabled $unit)" enabled "$unit is enabled"
done
is "$(in_root systemd-analyze verify firnd.service firnd.socket 2>&1 | grep -i firn)" '' 'systemd-analyze verify, with the program and its man pages there'
exits 0 'man firnd' in_root sh -c 'man 8 firnd | cat; man 5 firnd.yaml | cat'
for shell in /usr/share/bash-completion/completions/firn /usr/share/bash-completion/completions/firnd /usr/share/zsh/vendor-completions/_firn; do
    ok "$shell" test -s "$root$shell"
done
# udevd reads all rules and says what it cannot use, whatever device is asked about.
said=$(in_root sh -c 'mount -t sysfs sysfs /sys; udevadm test /sys/devices/virtual/mem/null 2>&1')
like "$said" '/lib/udev/rules.d/60-firn.rules' 'udev reads the rules'
unlike "$said" '60-firn.rules:[0-9]+' '... and has nothing to say of them'

# ---- as the unit would ---------------------------------------------------------------------------
unit=$root/lib/systemd/system/firnd.service
as_unit() { "$TOP/tests/packaging/as-unit" --root "$root" "$@"; }
exits 0 'firnd --check, as the unit' as_unit "$unit" /usr/bin/firnd --check
exits 0 'firn doctor, as the unit: the sandbox can be made' as_unit "$unit" /usr/bin/firn doctor
like "$OUT" '^ok +sandbox: bubblewrap works' '... and works'

mirror=$TOP/build/mirror
if [ -d "$mirror/micropython.git" ]; then
    cat >"$root/etc/firn/config.yaml" <<'END'
mirrors: {"https://github.com/micropython/": "/srv/mirror/"}
END
    build() {
        as_unit --bind "$mirror:/srv/mirror" "$@" "$unit" /bin/sh -c \
            'rm -rf ~/out; FIRN_HOME=~ firn build --no-ccache -j2 /usr/share/doc/firn/examples/greeter.yaml -o ~/out'
    }
    chmod -R a+rX "$mirror"
    exits 0 'firn builds firmware, as the unit, in its sandbox' build
    ok '... the image is there' test -s "$root/var/lib/firn/out/greeter-1.4.0.dfu"
    # By itself this setting would look harmless; see the unit.
    rm -rf "$root"/var/lib/firn/images/* "$root"/var/lib/firn/bases/*
    exits 1 'it does not with RestrictSUIDSGID=yes' build --set RestrictSUIDSGID=yes
    rm -rf "$root/etc/firn/config.yaml"
else
    skip 'no mirror of MicroPython (make mirror): nothing is built as the unit'
fi

# The daemon itself: what systemd is told, who answers, how it ends.
cat >"$T/notified" <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
s.settimeout(30)
while True:
    said = s.recv(4096).decode()
    print(said, flush=True)
    if "READY=1" in said:
        break
END
python3 "$T/notified" "$root/run/notify" >"$T/said" 2>&1 &
listener=$!
for _ in $(seq 200); do [ ! -S "$root/run/notify" ] || break; sleep 0.05; done
# A network of its own, so that its TCP port is nobody's here.
NOTIFY_SOCKET=/run/notify unshare --net sh -c 'ip link set lo up 2>/dev/null; exec "$@"' _ \
    "$TOP/tests/packaging/as-unit" --root "$root" "$unit" >"$T/firnd.log" 2>&1 &
firnd=$!
wait "$listener"
if grep -q READY=1 "$T/said"; then pass 'firnd tells systemd that it is ready'; else fail 'firnd tells systemd that it is ready' "$(cat "$T/said" "$T/firnd.log")"; fi
is "$(ps -o uid= -p "$firnd" | tr -d ' ')" "$(awk -F: '$1 == "firn" { print $3 }' "$root/etc/passwd")" 'it runs as the user firn'
socket=$root/run/firn/firnd.sock
is "$(stat -c '%A' "$socket")" 'srw-rw----' 'its socket: the user and the group'
is "$(stat -c '%g' "$socket")" "$(awk -F: '$1 == "firn" { print $3 }' "$root/etc/group")" '... which is firn'
is "$(curl -sS --max-time 10 --unix-socket "$socket" http://localhost/v1/healthz 2>&1)" '{"ok":true}' 'GET /v1/healthz'
kill -TERM "$firnd"
# The longest that it may take is that of a flash; here there is none.
timeout 60 tail --pid="$firnd" -f /dev/null || kill -KILL "$firnd"
status=0
wait "$firnd" || status=$?
is "$status" 0 'SIGTERM: it ends, with exit status 0'
unlike "$(cat "$T/firnd.log")" '^error' 'and complained of nothing'

# ---- removed -------------------------------------------------------------------------------------
exits 0 'apt-get remove' apt_get remove firn firnd
ok 'its configuration stays' test -e "$root/etc/firn/firnd.yaml"
exits 0 'apt-get purge' apt_get purge firn firnd
like "$OUT" '/var/lib/firn is left' '... says that /var/lib/firn is left'
rm -f "$root/$firn_deb" "$root/$firnd_deb"
sed -i "/_$arch.deb$/d" "$T/before"
(cd "$root" && find . -xdev -name '*firn*' | sort) >"$T/after"
is "$(diff "$T/before" "$T/after" | grep -v -e '^> ./var/lib/firn' -e '^> ./var/cache/man/' -e '^[0-9]')" '' 'purged: no file is left beside /var/lib/firn'
ok '/var/lib/firn is there' test -d "$root/var/lib/firn"
done_testing

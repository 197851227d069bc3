#!/bin/bash
# firnd.service and firnd.socket: well-formed, as tight as they can be, and not tighter: a build's sandbox
# can be made in it, and not if one of the settings were given up that the unit says are needed.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
# Its file must be there for systemd-analyze; whether it is installed, deb.sh asks.
sed 's,^ExecStart=.*,ExecStart=/bin/true,; s,^Documentation=.*,,' "$TOP/packaging/firnd.service" >firnd.service
sed 's,^Documentation=.*,,' "$TOP/packaging/firnd.socket" >firnd.socket
is "$(systemd-analyze verify ./firnd.service ./firnd.socket 2>&1)" '' 'systemd-analyze verify'
# What is over this is accounted for in the unit, setting by setting.
exits 0 'systemd-analyze security: 3.0 at most' systemd-analyze security --no-pager --offline=true --threshold=30 ./firnd.service

udev=$TOP/packaging/60-firn.rules
is "$(grep -vE '^(#|$)' "$udev" | grep -oE 'GOTO="[a-z_]+"' | sort -u | sed 's/GOTO=//' | while read -r label; do
    grep -qF "LABEL=$label" "$udev" || echo "$label"; done)" '' 'udev rule: every GOTO has its LABEL'
# Boards by id in the flasher's table that are boards to be flashed, each in the rule.
"$FIRN" devices --quirks >quirks
for id in 0483:df11 f055:9800 2341:035b 2341:0366 2341:055b 28e9:0189 1eaf:0003 1fc9:000c; do
    ok "the flasher knows $id, too" grep -q "^$id" quirks
done

[ "$(id -u)" = 0 ] || {
    skip 'not root: no mounts can be made, so what the unit lets a build do is not tried'
    done_testing
}
# As in builder/sandbox.c.
sandbox=(bwrap --unshare-ipc --unshare-pid --unshare-net --unshare-uts --unshare-cgroup-try --hostname firn
    --die-with-parent --new-session --cap-drop ALL --unshare-user --uid 1000 --gid 1000
    --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64
    --proc /proc --dev /dev --tmpfs /tmp -- prlimit --core=0 --as=1000000000 -- true)
as_unit() {
    "$TOP/tests/packaging/as-unit" --set User=nobody --set StateDirectory= --set RuntimeDirectory= "$@"
}
unit=$TOP/packaging/firnd.service
ok 'the sandbox of a build can be made in the unit' as_unit "$unit" "${sandbox[@]}"
# breaks SETTING SAYS: why it is as it is
breaks() {
    exits 1 "not with $1" as_unit --set "$1" "$unit" "${sandbox[@]}"
    like "$OUT" "$2" "... because: $2"
}
breaks ProtectKernelTunables=yes "Can't mount proc"
breaks ProtectKernelLogs=yes "Can't mount proc"
breaks ProtectHostname=yes "Can't mount proc|Can't set hostname"
breaks ProcSubset=pid 'overflowuid'
breaks SystemCallFilter=@system-service 'Operation not permitted'
breaks 'SystemCallFilter=@system-service @mount' "Can't set hostname"
breaks 'RestrictNamespaces=user mnt pid net ipc uts' 'new namespace'

# The controls: what is forbidden is forbidden.
python=(python3 -c)
exits 1 'no memory that is written and run' as_unit "$unit" "${python[@]}" 'import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)'
like "$OUT" 'not permitted' '... by the system call filter'
exits 1 'no packet sockets' as_unit "$unit" "${python[@]}" 'import socket; socket.socket(17, socket.SOCK_RAW)'
like "$OUT" 'not supported' '... by the families'
exits 1 'nothing to write but its directories' as_unit "$unit" touch /var/lib/by-firnd
like "$OUT" 'Read-only' '... the system is read-only'
done_testing

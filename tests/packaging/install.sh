#!/bin/bash
# make install and uninstall, below a DESTDIR: what is installed works from there, and goes again.
. "$(dirname "$0")/../tap.sh"
make_() { env -u MAKEFLAGS -u MAKELEVEL make -s -C "$TOP" DESTDIR="$T/d" PREFIX=/opt/firn SYSCONFDIR=/etc "$@"; }
exits 0 'make install' make_ install
at=$T/d/opt/firn
export FIRN_HOME=$T/home
exits 0 'firn runs' "$at/bin/firn" --version
exits 0 'firnd runs' "$at/bin/firnd" --version
# An interpreter that only this place has: the data beside the program is read, not the tree it was built in.
mv "$at/share/firn/toolchains/arm-gnu.yaml" "$at/share/firn/toolchains/of-this-place.yaml"
like "$("$at/bin/firn" doctor)" 'toolchain of-this-place' 'firn reads the data that was installed with it'
ok 'firn sim finds its library' "$at/bin/firn" sim -- "$at/bin/firn" devices
like "$("$at/bin/firn" sim -- "$at/bin/firn" devices)" '1-1 .*0483:df11' '... and has a board'
like "$(cat "$at/lib/systemd/system/firnd.service")" '^ExecStart=/opt/firn/bin/firnd$' 'the unit names the daemon where it is, without DESTDIR'
for page in "$TOP"/man/*; do
    ok "$(basename "$page") is there" cmp "$page" "$at/share/man/man${page##*.}/$(basename "$page")"
done
is "$(find "$T/d" -type f -perm /022)" '' 'nobody but the owner may write to any of it'
is "$(stat -c %a "$T/d/etc/firn/firnd.yaml")" 640 'firnd.yaml is not for all to read'

echo '# mine' >>"$T/d/etc/firn/firnd.yaml"
exits 0 'make install again' make_ install
like "$(cat "$T/d/etc/firn/firnd.yaml")" '# mine' '... leaves firnd.yaml as it is'
exits 0 'make uninstall' make_ uninstall
is "$(cd "$T/d" && find . ! -type d)" './etc/firn/firnd.yaml' '... leaves firnd.yaml, and nothing else'
done_testing

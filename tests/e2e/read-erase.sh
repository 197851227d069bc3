#!/bin/bash
# firn read, erase and unprotect, and firn flash --with dfu-util, on simulated boards; Debian's dfu-util
# as the judge of what was read.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN

sim() { timeout 60 "$FIRN" sim "$@"; }
mkdir full
perl -e 'print chr(($_ * 7 + int($_ / 256)) % 251) for 1 .. 1048576' >full/board-0.flash
cp full/board-0.flash before

# ---- read ----------------------------------------------------------------------------------------
exits 0 "read all of it" sim -d full -- sh -c \
    '"$FIRN" read all.bin && dfu-util -a 0 -s 0x08000000:1048576 -U theirs.bin'
like "$OUT" '^read 1.0 MiB from 1-1 into all.bin in ' "says so"
ok "it is the flash" cmp all.bin before
ok "and what dfu-util reads" cmp all.bin theirs.bin
exits 0 "a span, with K" sim -d full -- "$FIRN" read span.bin --address 0x08004000 --size 112K --json
ok "is that span" sh -c 'tail -c +16385 before | head -c 114688 | cmp - span.bin'
like "$(tail -1 <<<"$OUT")" '"address":"0x08004000",.*"file":"span.bin",.*"path":"1-1",.*"size":114688' "the result"
like "$OUT" '"phase":"read","state":"begin"' "the phase"
exits 0 "as Intel HEX and DfuSe" sim -d full -- sh -c \
    '"$FIRN" read -q part.hex --size 20000 && "$FIRN" read -q part.dfu --size 20000'
exits 0 "which are that part" sim -d back -- sh -c \
    '"$FIRN" flash part.hex --no-leave && dfu-util -a 0 -D part.dfu && "$FIRN" flash part.dfu'
like "$OUT" 'unchanged, verified 19.5 KiB' "for firn and for dfu-util"
ok "and hold the same bytes" cmp -n 20000 before back/board-0.flash
exits 2 "a file that exists" sim -d full -- "$FIRN" read span.bin
like "$OUT" "'span.bin' exists" "is not overwritten"
exits 0 "but with --force" sim -d full -- "$FIRN" read span.bin --force --size 1
is "$(stat -c %s span.bin)" 1 "it is"
exits 2 "a name of no format" "$FIRN" read span.txt
exits 2 "a size that is none" "$FIRN" read new.bin --size 12Q
exits 2 "--all" "$FIRN" read new.bin --all
exits 4 "an address outside" sim -- "$FIRN" read new.bin --address 0x07000000
like "$OUT" '0x07000000 is not in readable memory of the board.s Internal Flash' "is named"
exits 4 "a span that is too long" sim -- "$FIRN" read new.bin --address 0x080ff000 --size 8K
like "$OUT" '0x08100000 is not in readable memory' "where it ends"
exits 4 "read protection" sim --set "0 protected" -- "$FIRN" read new.bin
like "$OUT" 'read-protected.*errVENDOR' "is named"
like "$OUT" 'firn unprotect' "and what lifts it"
exits 4 "unplugged while it is read" sim -f "0 on=upload,after=5,do=unplug" -- "$FIRN" read new.bin
ok "no file is left" test ! -e new.bin

# ---- plain DFU -----------------------------------------------------------------------------------
head -c 5000 before >small.bin
exits 0 "a plain DFU device sends what it has" sim -b dfu-tolerant -d plain -- sh -c \
    '"$FIRN" flash -q small.bin --no-leave; "$FIRN" read plain.dfu && dfu-suffix -c plain.dfu'
ok "which is what it holds" cmp -n 5000 small.bin plain.dfu
exits 2 "a span of it" sim -b dfu-tolerant -- "$FIRN" read new.bin --address 0x08000000
like "$OUT" 'the device has no addresses' "has no meaning"
exits 4 "a device without upload" sim -b dfu-no-upload -- "$FIRN" read new.bin
like "$OUT" 'bitCanUpload is not set' "says why"

# ---- erase ---------------------------------------------------------------------------------------
exits 0 "--dry-run" sim -d full -- "$FIRN" erase --address 0x08004000 --size 112K --dry-run
like "$OUT" '^1-1: would erase 4 sectors \(112.0 KiB\) from 0x08004000 on$' "says what"
ok "and changes nothing" cmp before full/board-0.flash
exits 0 "erase a span" sim -d full -- "$FIRN" erase --address 0x08004000 --size 112K --json
like "$(tail -1 <<<"$OUT")" '"boards":\[\{"ok":true,"path":"1-1","sectors_erased":4,.*"verified":true' "the result"
is "$(tail -c +16385 full/board-0.flash | head -c 114688 | tr -d '\377' | wc -c)" 0 "it is erased"
ok "nothing before it" cmp -n 16384 before full/board-0.flash
ok "nothing behind it" cmp -i 131072 before full/board-0.flash
exits 2 "a span that cuts a sector" sim -d full -- "$FIRN" erase --address 0x08005000 --size 16K
like "$OUT" 'whole sectors: --address 0x08004000 --size 32768' "gets the nearest that does not"
exits 2 "erase what?" "$FIRN" erase
exits 2 "everything and a part" "$FIRN" erase --mass --size 1K
exits 4 "outside" sim -- "$FIRN" erase --address 0x09000000 --size 1K
exits 4 "a protected sector" sim -d full --set "0 write-protected=0" -- "$FIRN" erase --address 0x08000000 --size 16K
like "$OUT" '0x08000000 was erased and reads 0x[0-9a-f]+ instead of 0xff: the sector is write-protected' "is found out"
exits 0 "small pages that erase to 0x00" sim -b stm32l152 -- "$FIRN" erase --address 0x08000100 --size 256
like "$OUT" 'erased 1 sector \(256 B\)' "one of them"
exits 0 "--mass" sim -d full -- "$FIRN" erase --mass
is "$(tr -d '\377' <full/board-0.flash | wc -c)" 0 "erases all"
exits 0 "--all" sim -n 3 -- "$FIRN" erase --mass --all
is "$(grep -c '^1-[123]: erased 12 sectors' <<<"$OUT")" 3 "three boards"
mkdir mboot
head -c 20000 before >mine.bin
perl -e 'print chr($_ * 7 % 251) for 1 .. 1048576' >mboot/board-0.flash
exits 0 "mboot" sim -b mboot -d mboot -- "$FIRN" erase --mass
like "$OUT" '1-1: erased 10 sectors \(992.0 KiB\) from 0x08008000 on' "leaves itself out"
is "$(tail -c +32769 mboot/board-0.flash | tr -d '\377' | wc -c)" 0 "and the rest is erased"
exits 4 "mboot that erases nothing" sim -b mboot -d full -f "0 on=mass-erase,do=ignore" -- \
    sh -c '"$FIRN" -q flash mine.bin --address 0x08020000 --no-leave && "$FIRN" erase --mass'
like "$OUT" '0x08020000 was erased and reads' "is found out"
exits 4 "a plain DFU device" sim -b dfu-tolerant -- "$FIRN" erase --mass
like "$OUT" 'no memory with addresses' "says why"

# An STM32H7 stays busy after erasing above 1 MiB, until it is freed.
exits 0 "a board that wedges" sim -b stm32h743v -- \
    sh -c '"$FIRN" erase --address 0x08100000 --size 128K && "$FIRN" sim control status'
like "$OUT" 'erased 1 sector' "is freed"
is "$(($(grep -o '"getstatus":[0-9]*' <<<"$OUT" | cut -d: -f2) < 400))" 1 "and was not asked thousands of times"

# ---- unprotect -----------------------------------------------------------------------------------
cp before full/board-0.flash
exits 0 "a board that is not protected" sim -d full -- "$FIRN" unprotect --yes
like "$OUT" '^1-1: not protected: nothing was changed$' "is left alone"
ok "indeed" cmp before full/board-0.flash
exits 2 "nobody to ask" sim -d full --set "0 protected" -- sh -c '"$FIRN" unprotect </dev/null'
like "$OUT" 'nobody to ask' "is no consent"
ok "nor a change" cmp before full/board-0.flash
answers() { # ANSWER: typed at a terminal
    printf '%s\n' "$1" | sim -d full --set "0 protected" -- script -qec '"$FIRN" unprotect' /dev/null
}
exits 2 "no, at a terminal" answers no
like "$OUT" 'WHOLE flash' "what is lost was said"
ok "nothing was changed" cmp before full/board-0.flash
exits 0 "yes, at a terminal" answers yes
is "$(tr -d '\377' <full/board-0.flash | wc -c)" 0 "it is empty"
exits 2 "several boards without --yes" "$FIRN" unprotect --all
exits 0 "--yes" sim --set "0 protected" -- sh -c '"$FIRN" unprotect --yes && "$FIRN" read -q new.bin --size 4K'
like "$OUT" '^1-1: unprotected; its whole flash is erased$' "and it can be read"

# ---- --with dfu-util -----------------------------------------------------------------------------
head -c 20000 /dev/zero >new.img.bin
with() { sim -d full -- "$FIRN" flash new.img.bin --address 0x08000000 --with dfu-util "$@"; }
cp before full/board-0.flash
exits 0 "--with dfu-util --dry-run" with --dry-run
ok "changes nothing" cmp before full/board-0.flash
exits 0 "--with dfu-util" with
like "$OUT" 'flashed and verified 19.5 KiB' "is verified by firn"
ok "the image is there" cmp -n 20000 new.img.bin full/board-0.flash
ok "what shares its sectors is kept" cmp -i 20000 before full/board-0.flash
exits 0 "--with dfu-util --all" sim -n 3 -- "$FIRN" flash new.img.bin --address 0x08000000 --with dfu-util --all
like "$OUT" '^3 of 3 boards' "one after the other"
exits 4 "dfu-util fails in the middle" sim -f "0 on=dnload,after=4,do=status,code=6" -- \
    "$FIRN" flash new.img.bin --address 0x08000000 --with dfu-util
like "$OUT" 'dfu-util failed \(exit status [0-9]+\): .+' "in its own words"
mkdir bin
ln -sf /bin/* bin/
ln -sf /usr/bin/* bin/
rm -f bin/dfu-util
exits 4 "without dfu-util" sim -- sh -c \
    'PATH=$PWD/bin "$FIRN" flash new.img.bin --address 0x08000000 --with dfu-util'
like "$OUT" 'dfu-util is not installed' "says so"

done_testing

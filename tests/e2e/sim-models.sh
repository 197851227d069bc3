#!/bin/bash
# The simulated boards other than an F4, against Debian's unmodified dfu-util: each family, plain DFU,
# mboot, protection.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN

{ printf firn && head -c 39996 /dev/urandom; } >image.bin # whole programming units of every family
{ printf firn && head -c 39997 /dev/urandom; } >odd.bin

# sim OPTIONS... -- COMMAND...; `dfu ...` in a SCRIPT is dfu-util without its progress bars
sim() { timeout 120 "$FIRN" sim "$@"; }
cat >dfu <<'SCRIPT'
#!/bin/bash
timeout 60 dfu-util "$@" 2>&1 | tr '\r' '\n' | grep -v '^Erase.*%\|^Upload.*%\|^Download.*%\|^$'
exit "${PIPESTATUS[0]}"
SCRIPT
chmod +x dfu
export PATH=$T:$PATH

# ---- ST's ROMs -----------------------------------------------------------------------------------
# dfuse MODEL ADDRESS LAYOUT SECTORS: the layout is listed, the image comes back, so many sectors erased
dfuse() {
    exits 0 "$1: write, read, leave" sim -b "$1" -d "$1" -- sh -c \
        "dfu -l && dfu -a 0 -s $2 -D image.bin && dfu -a 0 -s $2:40000 -U $1.bin &&
         dfu -a 0 -s $2:leave; sleep 0.1; '$FIRN' sim control status"
    like "$OUT" "alt=0, name=\"$3\"" "... says its layout"
    like "$OUT" "\"running\":true.*\"overwritten_bytes\":0.*\"erased_sectors\":\{$4\}" "... erased what was needed"
    same "$1.bin" image.bin "... reads back"
}
dfuse stm32f767 0x08000000 '@Internal Flash  /0x08000000/04\*032Kg,01\*128Kg,07\*256Kg' '"32768":2'
dfuse stm32h743 0x08000000 '@Internal Flash   /0x08000000/16\*128Kg' '"131072":1'
dfuse stm32l476 0x08000000 '@Internal Flash  /0x08000000/0512\*0002Kg' '"2048":20'
dfuse stm32f107 0x08000000 '@Internal Flash  /0x08000000/128\*002Kg' '"2048":20'
dfuse stm32l152 0x08000000 '@Internal Flash  /0x08000000/1024\*256 g' '"256":157'
dfuse mboot 0x08008000 '@Internal Flash  /0x08000000/04\*016Kg,01\*064Kg,07\*128Kg' '"16384":2,"65536":1'
dfuse gd32vf103 0x08000000 '@Internal Flash  /0x08000000/512\*002Kg' '"1024":40'
like "$OUT" 'status\(10\) = Device.s firmware is corrupt.*|page size 1024, count 128' "... is known to dfu-util"
like "$OUT" 'serial="3CBJ"' "... by its serial number"

exits 0 "stm32f427: a layout that was cut" sim -b stm32f427 -- dfu -a 0 -s 0x08000000 -D image.bin
like "$OUT" 'length \(was 166, received 128\)' "... is mended by dfu-util"

exits 0 "stm32l476: an odd length" sim -b stm32l476 -d odd -- dfu -a 0 -s 0x08000000 -D odd.bin
is "$(cmp odd.bin odd/board-0.flash | grep -o 'byte.*,')" "byte 40001," "... loses its last byte, and says success"

exits 74 "stm32h743v: an erase in the second bank" sim -b stm32h743v -- timeout 5 dfu -a 0 -s 0x08100000 -D image.bin
exits 0 "stm32h743: the same" sim -b stm32h743 -- dfu -a 0 -s 0x08100000 -D image.bin

# ---- mboot ---------------------------------------------------------------------------------------
exits 74 "mboot does not overwrite itself" sim -b mboot -- dfu -a 0 -s 0x08000000 -D image.bin
exits 74 "mboot-packed takes no plain image" sim -b mboot-packed -- dfu -a 0 -s 0x08008000 -D image.bin
like "$OUT" 'state\(10\) = dfuERROR, status\(2\)' "... errFILE"

# ---- plain DFU -----------------------------------------------------------------------------------
cat >plain.sh <<'SCRIPT'
dfu "$@" -D image.bin; echo "ended with $?"; sleep 0.1; "$FIRN" sim control status
SCRIPT
exits 0 "dfu-tolerant: download" sim -b dfu-tolerant -- sh plain.sh
like "$OUT" 'ended with 0' "... succeeds"
like "$OUT" '"plugged":true,"running":false,"state":"dfuIDLE"' "... and is ready for more"
exits 0 "dfu-tolerant: download and reset" sim -b dfu-tolerant -- sh plain.sh -R
# The reset makes another device of it, which libusb calls NOT_FOUND (-5).
like "$OUT" 'ended with 251' "... which dfu-util takes for a failure"
like "$OUT" '"plugged":true,"running":true,"state":"appIDLE"' "... and runs"
exits 0 "dfu-reset: download" sim -b dfu-reset -- sh plain.sh
like "$OUT" 'dfuMANIFEST-WAIT-RESET' "... waits for a reset"
like "$OUT" '"plugged":true,"running":true,"state":"appIDLE"' "... and runs after it"
exits 0 "dfu-detach: download" sim -b dfu-detach -- sh plain.sh
like "$OUT" '"plugged":true,"running":true,"state":"appIDLE"' "... runs by itself"
like "$OUT" 'ended with 74' "... which dfu-util takes for a failure"
exits 0 "dfu-no-upload: download" sim -b dfu-no-upload -- sh plain.sh
like "$OUT" 'DFU version from functional descriptor length' "... does not tell its version"
exits 74 "dfu-no-upload: upload" sim -b dfu-no-upload -- dfu -U none.bin
for model in dfu-tolerant dfu-reset; do
    exits 0 "$model: upload" sim -b $model -- sh -c "dfu -D image.bin; sleep 0.1; '$FIRN' sim control 'replug 0'; sleep 0.1; dfu -U $model.bin"
    ok "... begins with the image" cmp -n 40000 image.bin $model.bin
done
is "$(stat -c %s dfu-tolerant.bin) $(stat -c %s dfu-reset.bin)" "245760 256000" "the whole memories"

# ---- protection ----------------------------------------------------------------------------------
exits 74 "read protection: reading" sim -s "0 protected" -- dfu -a 0 -s 0x08000000:100 -U secret.bin
exits 74 "read protection: writing" sim -s "0 protected" -- dfu -a 0 -s 0x08000000 -D image.bin
cat >unprotect.sh <<'SCRIPT'
dfu -a 0 -s 0x08000000:unprotect:force; sleep 0.5; dfu -a 0 -s 0x08000000 -D image.bin
SCRIPT
exits 0 "read unprotect" sim -s "0 protected" -- sh unprotect.sh
like "$OUT" 'File downloaded successfully' "... is the way out"
exits 0 "a write-protected sector" sim -s "0 write-protected=1" -d locked -- dfu -a 0 -s 0x08000000 -D image.bin
is "$(cmp image.bin locked/board-0.flash | grep -o 'byte.*,')" "byte 16385," "... stays, and nobody says so"

# ---- time ----------------------------------------------------------------------------------------
# us NAME: a number of the counters in $OUT
us() { grep -o "\"$1\":[0-9]*" <<<"$OUT" | cut -d: -f2; }
exits 0 "1 ms a transfer" sim --bus=1ms -- sh -c "'$FIRN' sim control 'reset-counters 0'; dfu -a 0 -s 0x08000000:40000 -U timed.bin; '$FIRN' sim control status"
is "$(us bus_us)" "$(($(us transfers) * 1000))" "... is counted"

done_testing

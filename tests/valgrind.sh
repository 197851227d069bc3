#!/bin/bash
# `make check-valgrind`: the flasher's unit tests, and firn itself on a simulated bus, under valgrind:
# no invalid access, no use of undefined bytes, no leak. Takes a few minutes.
. "$(dirname "$0")/tap.sh"
: "${TESTS:?set by make}"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial

# A task has a stack of its own of 256 KiB (flasher/fiber.c): a jump that is larger than any frame
# (fs_read() has 64 KiB) and smaller than that is a switch.
valgrind="valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect
    --errors-for-leak-kinds=definite,indirect --max-stackframe=131072"

for test in $TESTS; do
    ok "$(basename "$test")" $valgrind "$TOP/$test"
done

perl -e 'print chr($_ * 7 % 251) for 1 .. 60000' >image.bin
"$FIRN" -q image image.bin --address 0x08000000 --usb 0483:df11 -o image.dfu
# firn NAME STATUS SIM-OPTIONS... -- ARGUMENTS...: firn under valgrind, in the simulator
firn() {
    local name=$1 status=$2 sim=()
    shift 2
    while [ "$1" != -- ]; do sim+=("$1") && shift; done
    shift
    exits "$status" "$name" timeout 300 "$FIRN" sim -d boards "${sim[@]}" -- $valgrind "$FIRN" "$@"
}
firn "devices" 0 -n 3 -- devices
firn "flash" 0 -- flash image.dfu
firn "flash again: nothing to do" 0 -- flash image.dfu
perl -e 'print "\x55" x 200000' >boards/board-0.flash
truncate -s 1M boards/board-0.flash
firn "flash, other data kept" 0 -- flash image.dfu
firn "four boards at once" 0 -n 4 -- flash image.dfu --all --erase all
firn "dry run" 0 -- flash image.dfu --dry-run --erase all
firn "unplugged" 4 -f "0 on=dnload,after=5,do=unplug" -- flash image.dfu --erase all
firn "stuck" 4 -f "0 on=erase,do=busy" -- flash image.dfu --erase all
firn "verification fails" 4 -f "0 on=dnload,after=5,do=corrupt" -- flash image.dfu --erase all
firn "read" 0 -- read back.bin --size 64K
firn "erase" 0 -- erase --address 0x08000000 --size 16K
firn "unprotect" 0 -s "0 protected" -- unprotect --yes
firn "no board" 4 -- flash image.dfu --path 9-9
rm -r boards
firn "plain DFU" 0 -b dfu-tolerant -- flash image.bin
rm -r boards
firn "mboot" 0 -b mboot -- flash image.bin --address 0x08020000
done_testing

#!/bin/bash
# Many boards in one firn: all of them flashed, one that fails stops no other, limits, choosing,
# waiting, Ctrl-C, and where boards are found afterwards. What is said when boards fail is compared
# with tests/data/fleet/*.expected.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN_HOME=$T/home # rescue files: all tests have boards of one port and serial
export FIRN
expected=$TOP/tests/data/fleet

perl -e 'print chr($_ * 7 % 251) for 1 .. 50000' >image.bin
sim() { timeout 60 "$FIRN" sim "$@"; }
flash=("$FIRN" flash image.bin --address 0x08000000)
F="\"\$FIRN\" flash image.bin --address 0x08000000"
# holds DIR FROM TO: these boards hold the image, byte for byte
holds() {
    local i
    for i in $(seq "$2" "$3"); do cmp -n 50000 image.bin "$1/board-$i.flash" || return 1; done
}
# at_once: of the events in `events`, how many boards on ports that begin with $HUB were at work at most
at_once() {
    perl -ne '
        next unless /"event":"phase","job":"(\Q$ENV{HUB}\E[^"]*)".*"phase":"(\w+)".*"state":"(\w+)"/;
        next if $2 eq "board" && $3 eq "begin";
        if ($2 eq "board") { delete $busy{$1} } else { $busy{$1} = 1 }
        $max = keys %busy if keys %busy > ($max // 0);
        END { print $max // 0, "\n" }' events
}

# ---- all of them ---------------------------------------------------------------------------------
exits 0 "12 boards behind hubs" sim -n 12 --hubs 4 -d all -- sh -c "$F --all --events=3 3>events"
like "$OUT" '^12 of 12 boards in ' "are counted"
is "$(grep -c '  1-[1-3]\.[1-4]  *[0-9.]* m\?s *flashed and verified 48.8 KiB$' <<<"$OUT")" 12 "a line each"
ok "all of them hold the image" holds all 0 11
is "$(grep -o '"phase":"[a-z]*","state":"begin"' <events | sort | uniq -c | sed 's/^ *//;s/"phase"://;s/,.*//' | tr '\n' ' ')" \
    '12 "board" 1 "find" 12 "leave" 12 "plan" 12 "return" 12 "verify" 12 "write" ' "the phases"
like "$(tail -1 events)" '"failed":0,"ok":true,"seconds"' "the result"
is "$(tail -1 events | grep -o '"path":"1-[0-9.]*"' | wc -l)" 12 "has every board"
like "$(tail -1 events)" '"bytes_written":[0-9]+,"left":true,"ok":true,"path":"1-1.1","returned":true,' "with what was done"
exits 0 "the same again" sim -n 12 --hubs 4 -d all -- "${flash[@]}" --all
is "$(grep -c 'unchanged, verified 48.8 KiB' <<<"$OUT")" 12 "changes nothing"
exits 0 "--dry-run --all" sim -n 2 -- sh -c "$F --all --dry-run && \"\$FIRN\" sim control status"
like "$OUT" '^1-2:$' "names the boards"
like "$OUT" '"erases":0' "and erases nothing"
exits 4 "--all without any" sim -- sh -c "\"\$FIRN\" sim control 'unplug 0' && $F --all"
like "$OUT" 'no board found: looked for a board in DFU mode, but there is no DFU device at all' "says so"

# ---- one that fails ------------------------------------------------------------------------------
# one_fails NAME FAULT: board 3 does; the others are flashed; the command again mends it alone
one_fails() {
    local name=$1
    rm -rf some
    exits 4 "$name" sim -n 5 --hubs 4 -d some -f "3 $2" -- "${flash[@]}" --all
    sed -n '/^error/,/^  each/p' <<<"$OUT" | sed -E 's/after ([0-9]+)\.[0-9] s/after \1.N s/' >said
    same said "$expected/$name.expected" "... what it says"
    like "$OUT" '1-1\.4 +[0-9.]+ m?s +FAILED (cannot|verification)' "... its line has the reason"
    like "$OUT" '^4 of 5 boards in' "... four are done"
    ok "... and hold the image" holds some 0 2
    exits 0 "... again" sim -n 5 --hubs 4 -d some -- "${flash[@]}" --all
    is "$(grep -c 'unchanged, verified' <<<"$OUT")" 4 "... leaves the others as they are"
    ok "... and mends this one" holds some 0 4
}
one_fails verification "on=dnload,after=9,do=corrupt"
one_fails unplug "on=dnload,after=5,do=unplug"
one_fails stuck "on=set-address,after=2,do=busy"
exits 4 "its result event" sim -n 2 -f "1 on=dnload,do=unplug" -- "${flash[@]}" --all --json
like "$(tail -1 <<<"$OUT")" '"message":"cannot write at 0x[0-9a-f]+: the board is gone","ok":false,"path":"1-2"' "has the reason"
like "$(tail -1 <<<"$OUT")" '"exit":4,"failed":1,"ok":false' "and counts it"
exits 4 "one board alone" sim -f "0 on=dnload,do=unplug" -- "${flash[@]}" --json
like "$(tail -1 <<<"$OUT")" '"boards":\[\{[^]]*"message":"cannot write at [^"]*","ok":false,' "is not ok either"

# ---- limits --------------------------------------------------------------------------------------
exits 0 "--jobs 2" sim -n 6 --hubs 4 -- sh -c "$F --all --jobs 2 --events=3 3>events"
is "$(HUB='' at_once)" 2 "never more than two at a time"
exits 0 "--jobs-per-hub 1" sim -n 8 --hubs 4 -- sh -c "$F --all --jobs-per-hub 1 --events=3 3>events"
is "$(HUB=1-1. at_once) $(HUB=1-2. at_once) $(HUB='' at_once)" "1 1 2" "one behind each hub"
exits 0 "no limit" sim -n 6 --hubs 4 -- sh -c "$F --all --events=3 3>events"
is "$(HUB='' at_once)" 6 "all at the same time"
exits 2 "--jobs 0" "${flash[@]}" --all --jobs 0

# ---- choosing ------------------------------------------------------------------------------------
exits 4 "a serial that two boards share" sim -n 2 -b stm32f107 -- "${flash[@]}" --serial STM32
sed -n '/^error/,$p' <<<"$OUT" >said
same said "$expected/serial.expected" "lists both"
exits 0 "--path" sim -n 3 --hubs 4 -d path -- "${flash[@]}" --path 1-1.2
is "$(cat path/board-0.flash path/board-2.flash | tr -d '\377' | wc -c)" 0 "leaves the others alone"
exits 0 "--alt by number" sim -d alt -- "${flash[@]}" --alt 0
exits 0 "--alt by name, in any case" sim -d alt -- "${flash[@]}" --alt "internal flash"
like "$OUT" 'unchanged' "means the same"
exits 4 "--alt that is none" sim -- "${flash[@]}" --alt eeprom
like "$OUT" "--alt 0  Internal Flash" "lists those of the board, which is one board"

# ---- waiting -------------------------------------------------------------------------------------
cat >later.sh <<SCRIPT
"\$FIRN" sim control "unplug 0"
rm -f events
$F --wait --events=3 3>events & pid=\$!
until grep -qs '"phase":"find","state":"begin"' events; do sleep 0.02; done
"\$FIRN" sim control "replug 0"
wait \$pid
SCRIPT
exits 0 "--wait: a board plugged in later" sim -d later -- sh later.sh
ok "is flashed" holds later 0 0
SECONDS=0
exits 4 "--wait=1" sim -- sh -c "\"\$FIRN\" sim control 'unplug 0' && $F --wait=1"
ok "ends after a second" test "$SECONDS" -ge 1 -a "$SECONDS" -lt 5
cat >waiting.sh <<SCRIPT
"\$FIRN" sim control "unplug 0"
rm -f events
$F --wait --events=3 3>events & pid=\$!
until grep -qs '"phase":"find","state":"begin"' events; do sleep 0.02; done
kill -INT \$pid
wait \$pid
SCRIPT
exits 130 "Ctrl-C while waiting" sim -- sh waiting.sh

# ---- Ctrl-C with several -------------------------------------------------------------------------
cat >interrupt.sh <<SCRIPT
rm -f events
$F --all --events=3 3>events & pid=\$!
until grep -qs '"phase":"write","state":"begin"' events; do sleep 0.02; done
sleep 0.1
kill -INT \$pid
wait \$pid
SCRIPT
mkdir interrupt
for i in 0 1 2 3; do # each has other data behind the image's, in the sector where that ends
    { head -c 50000 /dev/zero; perl -e 'print chr($_ * 5 % 253) for 1 .. 15536'; } >interrupt/board-$i.flash
    head -c $((1048576 - 65536)) /dev/zero | tr '\0' '\377' >>interrupt/board-$i.flash
done
tail -c +50001 interrupt/board-0.flash >kept
exits 130 "Ctrl-C with four boards" sim -n 4 -t quick -d interrupt -- sh interrupt.sh
like "$OUT" '4 of 4 boards failed' "counts them"
exits 0 "... again" sim -n 4 -d interrupt -- "${flash[@]}" --all
ok "... is mended" holds interrupt 0 3
lost=0
for i in 0 1 2 3; do tail -c +50001 interrupt/board-$i.flash | cmp - kept || lost=1; done
is "$lost" 0 "and nothing that was kept is lost"

# ---- where they are afterwards -------------------------------------------------------------------
# returns NAME SETUP TEXT JSON: a flash that succeeds, and what it says of the board's return
returns() {
    exits 0 "$1" sim --setup "$2" -- "${flash[@]}" --return=1 --json
    like "$OUT" "$3" "... says so"
    like "$(tail -1 <<<"$OUT")" "\"returned\":$4," "... and in the result"
}
returns "back and running" "after-leave 0 run" '"detail":"it runs"' true
returns "elsewhere" "after-leave 0 1-5" 'a device with its serial is on port 1-5 now' false
returns "not back" "after-leave 0 lost" 'not back yet; a program without USB never is' false
returns "in its bootloader again" "after-leave 0 bootloader" 'in its bootloader again: unplug it' false

# ---- entering ------------------------------------------------------------------------------------
exits 4 "--enter=none with several" sim -n 3 --running -- "${flash[@]}" --all --enter=none
like "$OUT" 'no board found' "leaves them alone"
exits 0 "--enter=repl with several" sim -n 3 --running -d repl -- "${flash[@]}" --all --enter=repl
ok "flashes all" holds repl 0 2
exits 4 "one that comes back elsewhere" sim -n 2 --running --boot-ms=600 -d moved -- \
    sh -c "{ sleep 0.4; \"\$FIRN\" sim control 'move 0 1-7'; } & $F --all --enter=repl"
like "$OUT" 'board on 1-1: .*has appeared on port 1-7' "is named with its new port"
ok "and the other one is flashed" holds moved 1 1

done_testing

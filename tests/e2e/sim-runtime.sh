#!/bin/bash
# Boards that run: hubs, the terminal with its REPL, the ways back into the bootloader, and where a
# board is found afterwards. Clients are dfu-util, the shell and perl's POSIX module.
. "$(dirname "$0")/../tap.sh"
cd "$T" || exit 1
export FIRN

sim() { timeout 100 "$FIRN" sim "$@"; }
{ printf firn && head -c 4996 /dev/urandom; } >image.bin

# tty.pl TERMINAL WORD...: a client. >TEXT sends, <TEXT waits for it (and prints what came), 1200
# sets that speed and closes, eof waits for the end. Escapes as in Perl. Empty lines are not printed:
# on a busy machine the banner can be there before the terminal is raw, and "\r\n" is two lines then.
cat >tty.pl <<'SCRIPT'
use strict; use Fcntl; use POSIX;
$| = 1;
sysopen(my $tty, shift, O_RDWR | O_NOCTTY) or die "open: $!\n";
my $termios = POSIX::Termios->new;
$termios->getattr(fileno $tty);
$termios->setlflag(0); $termios->setiflag(0); $termios->setoflag(0);
$termios->setattr(fileno $tty, TCSANOW);
my $got = '';
sub more {
    my ($end) = @_;
    while (time < $end) {
        my $ready = '';
        vec($ready, fileno $tty, 1) = 1;
        next unless select($ready, undef, undef, 0.2);
        return sysread($tty, $got, 4096, length $got);
    }
    print "nothing more after: $got\n";
    exit 3;
}
for my $word (@ARGV) {
    my $text = eval '"' . substr($word, 1) =~ s/([\$@"])/\\$1/gr . '"';
    if ($word eq '1200') {
        $termios->setospeed(B1200); $termios->setispeed(B1200);
        $termios->setattr(fileno $tty, TCSANOW);
        close $tty;
    } elsif ($word eq 'eof') {
        my $end = time + 5;
        while (more($end)) {}
        print "end\n";
    } elsif ($word =~ /^>/) {
        syswrite $tty, $text;
    } else {
        my $end = time + 2;
        while (index($got, $text) < 0) {
            if (!more($end)) { print "gone after: $got\n"; exit 4; }
        }
        print substr($got, 0, index($got, $text) + length $text) =~ s/[\r\x04]//gr =~ s/\n\n+/\n/gr, "\n";
        $got = substr $got, index($got, $text) + length $text;
    }
}
SCRIPT
# Wait until a device on the bus has a product string like that: is_there PATH PRODUCT
cat >is_there <<'SCRIPT'
#!/bin/sh
for i in $(seq 100); do
    grep -qs "$2" "/sys/bus/usb/devices/$1/product" && exit 0
    sleep 0.02
done
echo "no $2 in $1: $(cat /sys/bus/usb/devices/*/product | tr '\n' ',')"
exit 1
SCRIPT
cat >tty <<'SCRIPT'
#!/bin/sh
exec perl "$(dirname "$0")/tty.pl" "$@"
SCRIPT
chmod +x is_there tty
export PATH=$T:$PATH
running="Pyboard Virtual Comm Port in FS Mode"
bootloader="STM32  BOOTLOADER"

# ---- hubs ----------------------------------------------------------------------------------------
exits 0 "64 boards behind hubs" sim -n 64 --hubs 4,4 -- dfu-util -l
is "$(grep -c 'alt=0' <<<"$OUT")" 64 "all are listed"
like "$OUT" 'path="1-4.4.4", alt=0' "the last behind two hubs"
exits 0 "hubs in sysfs" sim -n 9 --hubs 4 -- sh -c \
    'cd /sys/bus/usb/devices && grep . 1-3/bDeviceClass 1-3/maxchild 1-3.1/devpath 1-3:1.0/bInterfaceClass 1-3/1-3.1/busnum'
is "$OUT" "1-3/bDeviceClass:09
1-3/maxchild:4
1-3.1/devpath:3.1
1-3:1.0/bInterfaceClass:09
1-3/1-3.1/busnum:1" "class, ports and place"
exits 0 "a second bus" sim -n 33 -- dfu-util -l -p 2-2
like "$OUT" 'path="2-2", alt=0' "holds what the first has no ports for"

# ---- leaving -------------------------------------------------------------------------------------
cat >leave.sh <<SCRIPT
dfu-util -a 0 -s 0x08000000:leave -D image.bin >log 2>&1 || cat log
is_there 1-1 "$running" || exit 1
"$FIRN" sim control status
SCRIPT
exits 0 "a board that was flashed comes back in its port" sim -- sh leave.sh
like "$OUT" '"path":"1-1","plugged":true,"running":true,"state":"appIDLE"' "running"
exits 1 "with --runtime=none it does not" sim --runtime none -- sh leave.sh
like "$OUT" "no $running in 1-1" "it is gone"
cat >erased.sh <<SCRIPT
dfu-util -a 0 -s 0x08020000:leave -D image.bin >/dev/null 2>&1
is_there 1-1 "$running" && "$FIRN" sim control "reset 0" && is_there 1-1 "$bootloader"
SCRIPT
exits 0 "a board with erased vectors is in its bootloader after power-on" sim -- sh erased.sh

# after WHAT: leave with that, then show the bus
after() {
    sim --setup "after-leave 0 $1" -- sh -c 'dfu-util -a 0 -s 0x08000000:leave -D image.bin >/dev/null 2>&1
        sleep 0.3; cd /sys/bus/usb/devices; grep -Hs . [0-9]-*/product; "$FIRN" sim control "reset 0"; sleep 0.1; grep -Hs . [0-9]-*/product'
}
is "$(after lost)" "ok
1-1/product:$running" "after-leave lost: nowhere, until it loses power"
is "$(after bootloader)" "1-1/product:$bootloader
ok
1-1/product:$running" "after-leave bootloader: back in it, until it loses power"
is "$(after 1-7)" "1-7/product:$running
ok
1-7/product:$running" "after-leave 1-7: in another port"
exits 0 "move" sim -n 2 -- sh -c '"$FIRN" sim control "move 0 1-9"; dfu-util -l | grep -o "path=.*alt=0"'
is "$OUT" 'ok
path="1-2", alt=0
path="1-9", alt=0' "puts a board into another port"
exits 2 "move to a port that is taken" sim -n 2 -- "$FIRN" sim control "move 0 1-2"
like "$OUT" 'there is a device in 1-2' "is refused"
exits 0 "and leaves the board where it was" sim -n 2 -- sh -c '"$FIRN" sim control "move 0 1-2" 2>/dev/null; is_there 1-1 STM32'

# ---- the terminal --------------------------------------------------------------------------------
exits 0 "sysfs has the terminal" sim -n 2 --running -- sh -c \
    'cd /sys/class/tty && grep . ttyACM1/dev ttyACM1/device/bInterfaceClass ttyACM1/device/../serial; readlink ttyACM1; test -c /dev/ttyACM1'
is "$OUT" "ttyACM1/dev:166:1
ttyACM1/device/bInterfaceClass:02
ttyACM1/device/../serial:356900013437
../../devices/platform/firn-sim/usb1/1-2/1-2:1.0/tty/ttyACM1" "below its board, as Linux has it"
exits 0 "the friendly REPL" sim --running -- tty /dev/ttyACM0 '<>>> ' ">print('a b')\r" '<>>> ' '>nothing\r' '<>>> '
is "$OUT" "MicroPython v1.25.0 on 2025-04-15; firn simulated board
Type \"help()\" for more information.
>>> 
print('a b')
a b
>>> 
nothing
Traceback (most recent call last):
  File \"<stdin>\", line 1, in <module>
NameError: name 'nothing' isn't defined
>>> " "banner, prompt, echo, output, exception"
exits 0 "the raw REPL" sim --running -- tty /dev/ttyACM0 '>\r\003\003\001' '<exit\r\n>' ">print('raw')\004" '<\004\004>'
like "$OUT" 'OKraw' "runs"
exits 0 "a program that Ctrl-C ends" sim --running --setup "program 0 loop" -- tty /dev/ttyACM0 '<tick' '>\003' '<>>> '
like "$OUT" 'KeyboardInterrupt' "is ended"
exits 3 "one that it does not" sim --running --setup "program 0 busy" -- tty /dev/ttyACM0 '<tick' '>\003\003' '<>>> '
exits 3 "a REPL that is silent" sim --running --setup "program 0 silent" -- tty /dev/ttyACM0 '>\r\003' '<>>> '
exits 3 "garbage" sim --running --setup "program 0 garbage" -- tty /dev/ttyACM0 '>\r\003' '<>>> '
exits 2 "an unknown program" sim --setup "program 0 doom" -- true
exits 0 "two programs, one after the other" sim --running -- sh -c \
    'tty /dev/ttyACM0 ">1\r" "<1\r\n1" && tty /dev/ttyACM0 ">2\r" "<2\r\n2\r\n>>> "'
unlike "$(tail -3 <<<"$OUT")" '1' "the second does not get what the first left unread"

# ---- back into the bootloader --------------------------------------------------------------------
# back NAME OPTIONS... -- COMMAND...: does it lead there, in the same port and only once?
back() {
    local name=$1
    shift
    exits 0 "$name" sim --running "$@"
    like "$OUT" "^Found DFU.*devnum=3.*path=\"1-1\", alt=0" "... the bootloader is in the same port"
}
is_back='is_there 1-1 "STM32  BOOTLOADER" && dfu-util -l'
back "machine.bootloader(), friendly" -- sh -c "tty /dev/ttyACM0 '<>>> ' '>import machine; machine.bootloader()\r' eof && $is_back"
back "machine.bootloader(), raw" -- sh -c "tty /dev/ttyACM0 '>\r\003\001' '<exit\r\n>' '>import machine\nmachine.bootloader()\004' eof && $is_back"
back "pyb.bootloader()" -- sh -c "tty /dev/ttyACM0 '>pyb.bootloader()\r' eof && $is_back"
back "1200 baud" -- sh -c "tty /dev/ttyACM0 1200 && $is_back"
back "1200 baud while it is busy" --setup "program 0 busy" -- sh -c "tty /dev/ttyACM0 '<tick' 1200 && $is_back"
back "dfu-util -e: DETACH and a reset" --runtime dfu -- sh -c "timeout 20 dfu-util -e; $is_back"
like "$OUT" 'Resetting USB' "... dfu-util resets"
back "dfu-util -e: the device detaches itself" --runtime both --will-detach -- sh -c "timeout 20 dfu-util -e; $is_back"
like "$OUT" 'Device will detach and reattach' "... dfu-util does not reset"
exits 1 "another speed does not" sim --running -- sh -c "tty /dev/ttyACM0 '<>>> '; $is_back"
cp image.bin reset.bin && head -c $((1048576 - 5000)) /dev/zero | tr '\0' '\377' >>reset.bin
mkdir -p reset && mv reset.bin reset/board-0.flash
exits 0 "machine.reset() starts it again" sim --running -d reset -- sh -c \
    'tty /dev/ttyACM0 "<>>> " ">machine.reset()\r" eof; is_there 1-1 Pyboard && cat /sys/bus/usb/devices/1-1/devnum'
is "$(tail -1 <<<"$OUT")" 3 "... as another device"

# ---- with a kernel driver bound ------------------------------------------------------------------
cat >flash.sh <<SCRIPT
tty /dev/ttyACM0 1200 && is_there 1-1 "$bootloader" &&
    dfu-util -a 0 -s 0x08000000:leave -D image.bin >/dev/null 2>&1 && is_there 1-1 "$running" &&
    tty /dev/ttyACM0 '<>>> ' && ls /dev/ttyACM*
SCRIPT
exits 0 "there and back again" sim --running -- sh flash.sh
is "$(tail -1 <<<"$OUT")" "/dev/ttyACM0" "the terminal has its name again"

done_testing

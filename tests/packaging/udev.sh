#!/bin/bash
# 60-firn.rules as udev applies it, to devices of a simulated /sys: which get the group firn and the tag
# uaccess, and which are left alone.
. "$(dirname "$0")/../tap.sh"
[ "$(id -u)" = 0 ] || {
    skip 'not root: no rules can be put where udev looks for them'
    done_testing
}
# The only rules beside udev's own default ones: other packages have rules for the same boards.
mkdir -p "$T/rules.d" "$T/none"
cp "$TOP/packaging/60-firn.rules" /usr/lib/udev/rules.d/50-udev-default.rules "$T/rules.d/"
{ grep -v '^firn:' /etc/group; echo 'firn:x:4242:'; } >"$T/group"

# usb VENDOR PRODUCT INTERFACES: a device at 1-1
usb() {
    cat <<END
P: /devices/pci0000:00/usb1/1-1
N: bus/usb/001/004
E: DEVTYPE=usb_device
E: DEVNAME=/dev/bus/usb/001/004
E: SUBSYSTEM=usb
E: MAJOR=189
E: MINOR=3
E: ID_USB_INTERFACES=$3
A: idVendor=$1\n
A: idProduct=$2\n

END
}
# port VENDOR PRODUCT: the same with a serial port
port() {
    usb "$1" "$2" :020201:0a0000:
    cat <<'END'
P: /devices/pci0000:00/usb1/1-1/1-1:1.1/tty/ttyACM0
N: ttyACM0
E: DEVNAME=/dev/ttyACM0
E: SUBSYSTEM=tty
E: MAJOR=166
E: MINOR=0

END
}
# What udev makes of the device at this path of the simulated /sys: what the rules assigned, and the
# properties in the end. udevadm test does write udev's database and links in /dev/char: to a /run/udev
# and a /dev/char that end with it.
udev() {
    # shellcheck disable=SC2016 # the inner shell expands
    unshare --mount --propagation private sh -c '
        mkdir -p /run/udev /dev/char && mount -t tmpfs tmpfs /run/udev && mount -t tmpfs tmpfs /dev/char &&
        mount --bind "$1/rules.d" /usr/lib/udev/rules.d && mount --bind "$1/none" /etc/udev/rules.d &&
        mount --bind "$1/group" /etc/group &&
        SYSTEMD_LOG_LEVEL=debug exec umockdev-run -d "$1/device" -- udevadm test --action=add "$2"' _ "$T" "$1" 2>&1 |
        grep -E 'rules|^[A-Z_]+=|^mount|^umockdev|[Ee]rror'
}
usb 0483 df11 :fe0102: >"$T/device"
said=$(udev /sys/devices/pci0000:00/usb1/1-1)
like "$said" '/lib/udev/rules.d/60-firn.rules' 'udev reads the rules'
unlike "$said" '60-firn.rules:[0-9]+ .*([Ii]nvalid|[Uu]nknown|[Ii]gnoring|[Ff]ailed)' '... and understands them'

# gets NAME VENDOR PRODUCT INTERFACES / leaves
gets() {
    usb "$2" "$3" "$4" >"$T/device"
    said=$(udev /sys/devices/pci0000:00/usb1/1-1)
    like "$said" '60-firn.rules:[0-9]+ GROUP.* 4242$' "$1 ($2:$3): the group firn"
    like "$said" '60-firn.rules:[0-9]+ MODE.* 0660$' '... the mode 0660'
    like "$said" '^TAGS=.*:uaccess:' '... the tag uaccess'
}
leaves() {
    usb "$2" "$3" "$4" >"$T/device"
    unlike "$(udev /sys/devices/pci0000:00/usb1/1-1)" '60-firn.rules:[0-9]+ (GROUP|MODE)|:uaccess:' "$1 ($2:$3) is left alone"
}
gets "ST's bootloader" 0483 df11 :fe0102:
gets 'any board in DFU mode' 1234 5678 :fe0102:
gets 'any board that runs and can be told to detach' 1234 5678 :030101:fe0101:020201:
gets 'MicroPython' f055 9802 :020201:0a0000:080650:
gets "Arduino's, running MicroPython" 2341 055b :020201:
gets "NXP's LPC" 1fc9 000c :ff0000:
leaves 'a storage device' 1234 5678 :080650:
leaves 'a USB test and measurement device' 1234 5678 :fe0301:
leaves "another device of MicroPython's vendor id" f055 1234 :030101:
leaves "another board of Arduino's" 2341 0043 :020201:
leaves "Atmel's FLIP" 03eb 2ff4 :fe0102:

port f055 9802 >"$T/device"
said=$(udev /sys/devices/pci0000:00/usb1/1-1/1-1:1.1/tty/ttyACM0)
like "$said" '^TAGS=.*:uaccess:' "MicroPython's serial port: the tag uaccess"
like "$said" '^ID_MM_DEVICE_IGNORE=1' '... and ModemManager leaves it alone'
unlike "$said" '60-firn.rules:[0-9]+ GROUP' '... and its group stays'
port 1234 5678 >"$T/device"
unlike "$(udev /sys/devices/pci0000:00/usb1/1-1/1-1:1.1/tty/ttyACM0)" '60-firn.rules:[0-9]+|:uaccess:|ID_MM_DEVICE_IGNORE' 'another serial port is left alone'
done_testing

#!/bin/sh
# Two boards that run MicroPython, each with a serial port: what Linux makes of them, a talk with the
# REPL, and firn bringing them into their bootloader and back. Run inside `firn sim -n 2 --running`.
. "$(dirname "$0")/steps.sh"

seq 1 5000 >first.bin
seq 2 5001 >second.bin

# again: pull the first board's cable and plug it in where it was first, with its program running.
again() {
    run firn sim control "unplug 0"
    terminals 1
    run firn sim control "move 0 1-1"
    run firn sim control "unplug 0"
    terminals 1
    run firn sim control "reset 0"
    terminals 2
}

# drivers PATH: who drives which interface of a board, and what it is called there
drivers() {
    for interface in /sys/bus/usb/devices/"$1":*; do
        driver=$(readlink "$interface/driver")
        echo "${interface##*/}: ${driver##*/} $(ls "$interface/tty" 2>/dev/null)"
    done
    echo "$1: $(cat "/sys/bus/usb/devices/$1/manufacturer"), $(cat "/sys/bus/usb/devices/$1/product")"
}

# talk TERMINAL TEXT: what the board says, first by itself and then to that, until it is quiet
talk() {
    echo
    printf '> %s\n' "$2"
    stty -F "$1" raw -echo min 0 time 5 || return
    {
        sleep 0.2
        printf '%b' "$2" >&3
        tr -d '\r\004' <&3 2>/dev/null
    } 3<>"$1"
    echo "(end)"
}

terminals 2
drivers 1-1
drivers 1-2
run dfu-util -l
run firn devices
run firn devices --json

# ---- the REPL -------------------------------------------------------------------------------
talk /dev/ttyACM0 'print(6)\r'
talk /dev/ttyACM1 'nonsense\r'
talk /dev/ttyACM0 '\001print("raw")\004\002'
talk /dev/ttyACM0 '\005print(1)\rprint(2)\004'
long=$(seq -s ' ' 1 500) # more than one transfer, both ways
talk /dev/ttyACM0 "print('$long')\\r" | tail -c 2000 | md5sum

# ---- into the bootloader and back -----------------------------------------------------------
flash() {
    image=$1 path=$2
    shift 2
    run firn flash "$image" --address 0x08000000 --path "$path" "$@"
}
flash first.bin 1-1
terminals 2
flash first.bin 1-1 # nothing to do
terminals 2
flash second.bin 1-2 --enter=repl
terminals 2
flash first.bin 1-2 --enter=touch1200
terminals 2
flash second.bin 1-1 --no-leave # and stays
boards 1
terminals 1
flash first.bin 1-1
terminals 2
run firn flash first.bin --address 0x08000000 # which of the two?
flash first.bin 1-1 --enter=none
flash first.bin 1-1 --enter=detach
flash second.bin 1-1 --dry-run
flash second.bin 1-1 --dry-run --enter=repl
again

# ---- a program that starts again -------------------------------------------------------------
# What it says last is lost to who reads it too late, so is not compared: the banner shows that it did.
talk /dev/ttyACM1 'import machine\rmachine.reset()\r' >/dev/null
sleep 0.5 # the old terminal may outlive its hang-up by a moment
terminals 2
talk /dev/ttyACM1 'print(7)\r'

# ---- what runs ------------------------------------------------------------------------------
for program in loop silent busy garbage; do
    run firn sim control "program 0 $program"
    flash second.bin 1-1
    flash first.bin 1-1 --enter=touch1200
    terminals 2
done
run firn sim control "program 0 repl"

# ---- a terminal in use ----------------------------------------------------------------------
(
    exec 9<>/dev/ttyACM0 && flock 9
    flash second.bin 1-1 9>&-
)
terminals 2

# ---- where a board is when it has left ------------------------------------------------------
for where in bootloader lost 1-5 run; do
    run firn sim control "after-leave 0 $where"
    flash second.bin 1-1
    again
done

# ---- a pulled cable -------------------------------------------------------------------------
echo
stty -F /dev/ttyACM0 raw -echo min 1 time 0
{ # not cat: busybox's would hold the transcript's pipe while it waits for the terminal
    (sleep 1 && run firn sim control "unplug 0" 3>&-) &
    tr -d '\r' <&3 >said 2>/dev/null
    wait
    echo x >&3 || echo "no more"
} 3<>/dev/ttyACM0 2>/dev/null
cat said
terminals 1
run firn sim control "reset 0"
terminals 2
run firn sim control status

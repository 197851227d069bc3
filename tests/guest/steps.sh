# What the guest's shell clients share: source this. For dash and for busybox's shell.
# shellcheck shell=sh

# run COMMAND...: the command, what it prints, and its exit status
run() {
    echo
    echo "\$ $*"
    if [ "$1" = firn ]; then
        shift
        timeout 100 "$FIRN" "$@" 2>&1
    else
        timeout 100 "$@" 2>&1
    fi
    echo "(exit status $?)"
}

# boards N: wait until that many boards are on the bus. Linux needs a moment for each.
boards() {
    tries=0
    until [ "$(dfu-util -l 2>/dev/null | grep -c 'intf=0.*alt=0')" = "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || { echo "gave up waiting for $1 boards"; exit 1; }
        sleep 0.1
    done
    echo
    echo "$1 boards"
}

# terminals N: wait until that many boards have a terminal.
terminals() {
    tries=0
    until [ "$(ls /sys/class/tty | grep -c ttyACM)" = "$1" ]; do
        tries=$((tries + 1))
        [ $tries -lt 60 ] || { echo "gave up waiting for $1 terminals"; exit 1; }
        sleep 0.1
    done
    echo
    echo "$1 terminals"
}

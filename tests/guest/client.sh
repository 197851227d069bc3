#!/bin/sh
# Two boards of ST's kind, flashed by dfu-util and by firn. Run inside `firn sim -n 2`.
. "$(dirname "$0")/steps.sh"

seq 1 5000 >first.bin
seq 2 5001 >second.bin
size=$(wc -c <first.bin)

run dfu-util -l
run firn devices
run firn devices --json

# ---- dfu-util -------------------------------------------------------------------------------
run dfu-util -p 1-1 -a 0 -s 0x08000000 -D first.bin
run dfu-util -p 1-1 -a 0 -s "0x08000000:$size" -U first.back
run cmp first.bin first.back
run dfu-util -a 0 -s 0x08000000 -D first.bin # which of the two?
run dfu-util -p 1-1 -a 0 -s 0x09000000:force -D first.bin
run dfu-util -p 1-1 -a 0 -s 0x08000000:16 -U none.back
run dfu-util -p 1-1 -a 9 -s 0x08000000 -D first.bin
run dfu-util -p 1-7 -a 0 -s 0x08000000 -D first.bin
run dfu-util -p 1-1 -a 2 -s 0x1fff7800:528 -U otp.back

# ---- firn -----------------------------------------------------------------------------------
run firn flash first.bin --address 0x08000000
run firn flash second.bin --address 0x08000000 --path 1-1 --no-leave
run firn flash second.bin --address 0x08000000 --path 1-1 --no-leave # nothing to do
run firn flash first.bin --address 0x08000000 --path 1-2
boards 1
run firn sim control status

# ---- a pulled cable -------------------------------------------------------------------------
# in 1-1, the only board that is left
plug_in_again() {
    boards 0
    run firn sim control "replug 0"
    boards 1
}
for on in erase,after=1 dnload,after=3 getstatus,after=9 upload,after=3; do
    run firn sim control "fault 0 on=$on,do=unplug"
    run firn flash first.bin --address 0x08000000 --path 1-1 --no-leave
    plug_in_again
    run firn flash second.bin --address 0x08000000 --path 1-1 --no-leave
done
run firn sim control "fault 0 on=dnload,after=5,do=unplug"
run dfu-util -p 1-1 -a 0 -s 0x08000000 -D first.bin
plug_in_again
run firn sim control "fault 0 on=upload,after=5,do=unplug"
run dfu-util -p 1-1 -a 0 -s "0x08000000:$size" -U pulled.back
plug_in_again

# ---- other faults ---------------------------------------------------------------------------
for fault in do=stall do=protocol do=status,code=11 do=short do=corrupt; do
    run firn sim control "fault 0 on=upload,after=3,$fault"
    run firn flash first.bin --address 0x08000000 --path 1-1 --no-leave
    run firn flash second.bin --address 0x08000000 --path 1-1 --no-leave
done

# ---- leaving --------------------------------------------------------------------------------
run dfu-util -p 1-1 -a 0 -s 0x08000000:leave -D first.bin
boards 0
run dfu-util -l
run firn devices
run firn flash first.bin --address 0x08000000
run firn sim control "replug 0"
run firn sim control "replug 1"
boards 2
run firn flash first.bin --address 0x08000000 --path 1-1
boards 1
run dfu-util -l

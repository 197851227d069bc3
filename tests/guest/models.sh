#!/bin/sh
# A board of each kind, some of which lie about themselves. Run inside `firn sim -b ...`, see session.
. "$(dirname "$0")/steps.sh"

seq 1 4000 >image.bin

run dfu-util -l
run firn devices

for path in 1-2 1-3 1-4 1-6; do
    run firn flash image.bin --address 0x08000000 --path $path --no-leave
    run dfu-util -p $path -a 0 -s 0x08000000:4096 -U "back-$path.bin"
    run cmp -n 4096 image.bin "back-$path.bin"
done

# ---- plain DFU: manifestation tolerant, will not be read, reset, detach ----------------------
for path in 1-9 1-10; do
    run dfu-util -p $path -D image.bin
    run dfu-util -p $path -U "back-$path.bin"
done
boards 12
run dfu-util -p 1-11 -D image.bin -R
boards 11
run dfu-util -p 1-12 -D image.bin -R
boards 10
run dfu-util -l

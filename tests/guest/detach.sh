#!/bin/sh
# Boards that run and have a DFU interface beside their serial port: told by DETACH and a bus reset, by
# firn and by dfu-util. Run inside `firn sim -n 2 --running --runtime=both`.
. "$(dirname "$0")/steps.sh"

seq 1 5000 >image.bin

terminals 2
run dfu-util -l
run firn flash image.bin --address 0x08000000 --path 1-1
run firn flash image.bin --address 0x08000000 --path 1-1 --enter=detach
run firn flash image.bin --address 0x08000000 --path 1-2 --enter=repl
run dfu-util -p 1-2 -e
boards 1
terminals 1
run dfu-util -l
run firn flash image.bin --address 0x08000000 --path 1-2

#!/bin/bash
# A sample of `make check-kill`.
exec "$(dirname "$0")/../faults/build_kill.sh"

#!/bin/bash
# A sample of `make check-faults` on the simulated bus.
exec "$(dirname "$0")/../faults/bus.sh"

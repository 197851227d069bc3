#!/bin/bash
# A sample of `make check-io`.
exec "$(dirname "$0")/../faults/build_io.sh"

#!/bin/bash
# A short run of tests/faults/firnd_kill.sh, 1,000 kills of which are `make check-firnd-kill`.
exec "$(dirname "$0")/../faults/firnd_kill.sh" "${1:-8}" "${2:-}"

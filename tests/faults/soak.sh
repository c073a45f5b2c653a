#!/usr/bin/env bash
# Every kind of connection and fault for a day; PORTSPLIT_SOAK sets another number of seconds.
# fault: G4
# needs: root, and a day of a quiet machine
exec "$(dirname "$0")/by_hand" soak.bats "$@"

#!/usr/bin/env bash
# The kernel kills a dispatcher, and then the zygote, because their memory is at a limit.
# fault: G3
# needs: root, and a memory cgroup of version 1 or 2 in which groups can be made
exec "$(dirname "$0")/by_hand" memory_limit.bats "$@"

#!/usr/bin/env bash
# kill -9 at random moments under load, 50 rounds, the same while the portal's answers get lost, and the same under payments; and
# payments in any order of events for five minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# The program itself is killed, so it has to be the one of this source.
cargo build --locked -p lgsp
LGSP_ROUNDS="${LGSP_ROUNDS:-50}" cargo test --locked -p tests --test faults -- --nocapture --test-threads=1 kill:: paid::
LGSP_FATE_SECONDS="${LGSP_FATE_SECONDS:-300}" cargo test --locked -p tests --test faults -- --nocapture fate::

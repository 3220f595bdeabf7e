#!/usr/bin/env bash
# Mutated input for a minute each: the checks, the JSON intake, the national dialect.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
LGSP_FUZZ_SECONDS="${LGSP_FUZZ_SECONDS:-60}" cargo test --locked -p tests --test fuzz -- --nocapture --test-threads=1

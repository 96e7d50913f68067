#!/usr/bin/env bash
# The Python client against the vectors, the fuzz corpus and a server's truth. What the machine lacks is skipped, and said.
#
#   TIDELOCK_SERVER_BIN, TIDELOCK_SIM_BIN   the programs, if they are not in target/release
#   TIDELOCK_TRUTH_S=60                     how long it plays before it is judged; 10 unless said otherwise
#   PYTHON=python3.12                       another interpreter
set -euo pipefail
cd "$(dirname "$0")"
repository=$(cd ../.. && pwd)
target=$(cd "$repository" && mkdir -p "${CARGO_TARGET_DIR:-target}" && cd "${CARGO_TARGET_DIR:-target}" && pwd)
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "skip  the Python client: $python is not there, or older than 3.11"
    exit 0
fi
if ! "$python" -c 'import cryptography' 2>/dev/null; then
    ("$python" -m venv "$target/python" && "$target/python/bin/pip" install --quiet --retries 1 --timeout 10 cryptography) || true
    python=$target/python/bin/python
    if ! "$python" -c 'import cryptography' 2>/dev/null; then
        echo "skip  what is encrypted: cryptography is not installed, and cannot be"
        python=${PYTHON:-python3}
    fi
fi

# What the Rust client made of its fuzz corpus.
export TIDELOCK_TRANSCRIPT=$target/transcript.ndjson
rm -f "$TIDELOCK_TRANSCRIPT"
(cd "$repository" && cargo test --quiet --locked -p tidelock-sim --test fuzz_corpus transcript)

for program in server sim; do
    name=TIDELOCK_${program^^}_BIN
    if [ -z "${!name:-}" ] && [ -x "$target/release/tidelock-$program" ]; then
        export "$name=$target/release/tidelock-$program"
    fi
done
PYTHONPATH=src "$python" -W error::ResourceWarning -m unittest discover -s tests -t .

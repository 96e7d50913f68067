# Says what holds and what does not. Sourced by deploy/test.sh.
# shellcheck shell=bash

failures=0

ok() { printf 'ok    %s\n' "$*"; }
skip() { printf 'skip  %s\n' "$*"; }
note() { printf '      %s\n' "$*"; }

fail() {
    printf 'FAIL  %s\n' "$*"
    failures=$((failures + 1))
}

# check WHAT COMMAND...: the command's status decides.
check() {
    local what=$1
    shift
    if "$@"; then ok "$what"; else fail "$what"; fi
}

# equal WHAT ACTUAL EXPECTED
equal() {
    if [[ $2 == "$3" ]]; then ok "$1: $2"; else fail "$1: is '$2', and must be '$3'"; fi
}

# at_most WHAT ACTUAL LIMIT UNIT, whole numbers
at_most() {
    if [[ $2 =~ ^[0-9]+$ ]] && (($2 <= $3)); then ok "$1: $2 $4, at most $3"; else fail "$1: '$2' $4, and at most $3 is allowed"; fi
}

# wait_until SECONDS COMMAND...: its status, once it is 0 or the time is over.
wait_until() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.2
    done
}

# Prints the end of what a failed command wrote.
show_end() { tail -n 30 "$1" | sed 's/^/      /'; }

now_ms() { date +%s%3N; }

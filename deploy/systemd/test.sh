#!/usr/bin/env bash
# Checks the unit without running it: that systemd understands it, and how much it leaves the service to do.
# deploy/test.sh runs it. Exit status: 0 if all holds or systemd-analyze is missing, 1 if anything does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v systemd-analyze >/dev/null; then
    echo "skip  systemd-analyze is not installed: the unit was not checked"
    exit 0
fi

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
failures=0

# The binary need not be installed for this. Directives that this systemd does not know are only warned of.
sed 's|^ExecStart=.*|ExecStart=/bin/true|' tidelock.service >"$temp/tidelock.service"
if messages=$(systemd-analyze verify "$temp/tidelock.service" 2>&1) && ! grep -F "$temp/tidelock.service" <<<"$messages"; then
    echo "ok    systemd-analyze verify: nothing to say about the unit"
else
    printf 'FAIL  systemd-analyze verify:\n%s\n' "$messages"
    failures=1
fi

# The service's exposure, in tenths. Before systemd 250 a unit cannot be judged without running it.
limit=15
if ! systemd-analyze security --help 2>&1 | grep -q -- --offline; then
    echo "skip  this systemd-analyze judges only units that run: the unit's exposure was not checked"
elif verdict=$(systemd-analyze security --offline=true --threshold="$limit" "$temp/tidelock.service" 2>&1); then
    echo "ok    systemd-analyze security:$(tail -n 1 <<<"$verdict" | sed 's/.*tidelock.service://'), at most 1.5"
else
    printf 'FAIL  systemd-analyze security: above 1.5\n%s\n' "$(grep -E '✗|Overall' <<<"$verdict" || tail -n 5 <<<"$verdict")"
    failures=1
fi
exit "$failures"

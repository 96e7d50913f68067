# The unit of deploy/systemd under a systemd of its own, in a container. Sourced by deploy/test.sh.
# shellcheck shell=bash disable=SC2154 # What the others set.

inside() { docker exec "$unit_container" "$@"; }
unit() { inside systemctl show --property "$1" --value tidelock; }
unit_is() { [[ $(unit "$1") == "$2" ]]; }
unit_ready() { inside tidelock-server healthcheck >/dev/null 2>&1; }
booted() { inside systemctl is-system-running 2>/dev/null | grep -Eq 'running|degraded'; }

start_systemd() {
    local image=tidelock-test-systemd id
    import_debian "$image" --variant=minbase --include=systemd || return
    containers+=("$unit_container")
    # What an own systemd needs: to mount, to make namespaces and filters, and its part of the control groups.
    docker run --detach --name "$unit_container" --network none --tmpfs /run --tmpfs /tmp:exec \
        --cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
        --security-opt systempaths=unconfined --volume /sys/fs/cgroup:/sys/fs/cgroup --env container=docker \
        "$image" /lib/systemd/systemd >/dev/null || return
    wait_until 30 booted || return
    # As on a machine, and unlike in containers: else credentials do not reach the service.
    inside mount --make-rshared /
    id=$(docker create "$server_image")
    docker cp "$id:/tidelock-server" "$temp/tidelock-server" >/dev/null
    docker rm "$id" >/dev/null
    docker cp "$temp/tidelock-server" "$unit_container:/usr/local/bin/" >/dev/null
    docker cp "$temp/tidelock-sim" "$unit_container:/usr/local/bin/" >/dev/null
    docker cp deploy/systemd "$unit_container:/deploy" >/dev/null
}

# The commands at the top of the unit, but for the network.
install_unit() {
    inside bash -c 'set -e
        install -d /etc/tidelock && install -m 0644 /deploy/server.toml /etc/tidelock/
        (umask 077; tidelock-server keygen --out /etc/tidelock/key; tidelock-server keygen --out /etc/tidelock/admin-token)
        install -m 0644 /deploy/tidelock.service /etc/systemd/system/
        systemctl daemon-reload'
}

check_unit() {
    if ! $own_engine; then
        skip "the unit is not run: its systemd would get control groups of an engine that is not ours"
        return
    fi
    unit_container=tidelock-test-unit-$$
    if ! start_systemd; then
        skip "the unit is not run: no systemd starts in a container here"
        return
    fi
    tells "the unit is installed" "$temp/unit.log" install_unit || return 0
    tells "systemd starts it" "$temp/unit.log" inside systemctl start tidelock || return 0
    check "the service takes players" wait_until 20 unit_ready
    local status
    status=$(inside cat "/proc/$(unit MainPID)/status")
    check "the service is not root" grep -Eq '^Uid:(\s6[0-9]{4}){4}$' <<<"$status"
    equal "capabilities of the service" "$(awk '/^Cap(Eff|Bnd|Amb):/ { print $2 }' <<<"$status" | sort -u)" 0000000000000000
    equal "filter of system calls of the service" "$(awk '/^Seccomp:/ { print $2 }' <<<"$status")" 2
    tells "players with tokens of its key get in" "$temp/sim.log" inside tidelock-sim --key-file /etc/tidelock/key \
        --clients 10 --duration 4s --quiet "${thresholds[@]}" "${age_threshold[@]}" || true
    inside bash -c 'exec 3<>/dev/tcp/127.0.0.1/9100; printf "POST /clients/42/ban HTTP/1.0\r\n\r\n" >&3; cat <&3' >"$temp/ban.log"
    check "it keeps a ban in its state directory" grep -q '"kept_in_file":true' "$temp/ban.log"

    inside systemctl kill --signal KILL tidelock
    check "systemd starts it again after a crash" wait_until 20 unit_is NRestarts 1
    check "it takes players again" wait_until 20 unit_ready
    # All of its threads stand still, as none does that says that ticks run.
    inside systemctl kill --signal STOP tidelock
    check "systemd starts it again when its ticks hang" wait_until 30 unit_is NRestarts 2
    check "it takes players once more" wait_until 20 unit_ready
    inside systemctl stop tidelock
    equal "result after systemctl stop" "$(unit Result), status $(unit ExecMainStatus)" "success, status 0"

    inside bash -c 'echo "tick-hz = 0" >>/etc/tidelock/server.toml; systemctl start tidelock || true'
    sleep 2
    equal "after a start with a wrong setting" \
        "$(unit ActiveState), status $(unit ExecMainStatus), restarts $(unit NRestarts)" "failed, status 2, restarts 0"
}

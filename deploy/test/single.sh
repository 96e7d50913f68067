# One container, started by docker run: its limits, names of hosts, and how it stops. Sourced by deploy/test.sh.
# shellcheck shell=bash disable=SC2154 # What the others set.

# Addresses for documentation, so that no real network is hidden by ours.
subnet=198.51.100.0/24
server_ip=198.51.100.2

# run_server NAME OPTION... -- FLAG...
run_server() {
    local name=$1 options=()
    shift
    while (($#)) && [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift || true
    containers+=("$name")
    docker run --detach --name "$name" --read-only --cap-drop ALL --security-opt no-new-privileges \
        --network "$network" --ip "$server_ip" --network-alias server --publish "127.0.0.1:$TIDELOCK_ADMIN_PORT:9100" \
        --env "TIDELOCK_ADVERTISE=$server_ip:7777" --env TIDELOCK_ALLOW_TOKEN_ENDPOINT=true \
        "${options[@]}" "$server_image" "$@" >/dev/null
    wait_until 20 ready
}

# run_sim OPTION...: its names are resolved by the engine's name server.
run_sim() {
    docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --network "$network" "$sim_image" \
        --admin http://server:9100 --server server:7777 --quiet "$@"
}

remove_container() { docker rm --force --volumes "$1" >/dev/null; }

make_network() {
    network=tidelock-test-$$
    docker network create --subnet "$subnet" "$network" >/dev/null
}

check_limits() {
    local name=tidelock-test-limits-$$ began before wall used
    began=$(now_ms)
    check "a server with --memory 256m --cpus 1 takes players" run_server "$name" --memory 256m --cpus 1
    note "ready for players $(($(now_ms) - began)) ms after docker run"
    tells "50 clients, who find it by its host name, play within the thresholds" "$temp/sim.log" \
        run_sim --clients 50 --duration 10s "${thresholds[@]}" --threshold 'rtt_ms_p95<250' || true
    at_most "memory of the server afterwards" "$(rss_kb)" 128000 kB
    equal "killed for memory" "$(state "$name" OOMKilled)" false
    check "still running" test "$(state "$name" Running)" = true
    remove_container "$name"

    # A crowd, most of whom do not look at what they are sent: that is all the same to the server.
    name=tidelock-test-crowd-$$
    check "a server with --memory 128m at 20 Hz takes players" run_server "$name" --memory 128m -- --tick-hz 20
    tells "1,000 clients play on it, and none is lost" "$temp/crowd.log" \
        run_sim --clients 1000 --thin 99% --ramp 10s --duration 25s \
        --threshold clients_connected==1000 --threshold clients_disconnected==0 --threshold desyncs==0 || true
    sed -n 's/^\(round trip\|server tick\|each client\|server  \|  *cpu\)/      &/p' "$temp/crowd.log"
    at_most "memory of the server afterwards" "$(rss_kb)" 100000 kB
    equal "killed for memory" "$(state "$name" OOMKilled)" false
    remove_container "$name"

    # So much to do that without the limit it would take a whole core.
    name=tidelock-test-burn-$$
    check "a server with --cpus 0.5 and far too much to do takes players" \
        run_server "$name" --cpus 0.5 -- --npcs 60000 --tick-hz 240
    began=$(now_ms)
    before=$(cpu_ms)
    sleep 4
    used=$(($(cpu_ms) - before))
    wall=$(($(now_ms) - began))
    at_most "its share of a core" "$((100 * used / wall))" 60 %
    check "it did have too much to do" test "$((100 * used / wall))" -ge 20
    remove_container "$name"
}

not_ready() { [[ $(http_code "$(admin_url)/readyz") == 503 ]]; }
stopped() { [[ $(state "$1" Running) == false ]]; }
playing() { [[ $(metric tidelock_clients) == 4 ]]; }

# with_players NAME DRAIN_TIMEOUT: starts a server, and players who do not leave by themselves.
with_players() {
    check "a server whose drain timeout is $2 takes players" run_server "$1" --env "TIDELOCK_DRAIN_TIMEOUT=$2"
    run_sim --clients 4 --duration 25s >"$temp/sim-$1.log" 2>&1 &
    background=$!
    check "players are on it" wait_until 20 playing
}

end_players() {
    # The simulator is told by its status that its server went: what counts here is the server's.
    wait "$background" || true
    background=
}

check_stop() {
    local name=tidelock-test-drain-$$ began
    with_players "$name" 6s
    began=$(now_ms)
    docker stop --time 20 "$name" >/dev/null &
    local stopping=$!
    check "docker stop makes it not ready, while it still serves" wait_until 5 not_ready
    wait "$stopping"
    at_most "docker stop with players on it" "$(($(now_ms) - began))" 12000 ms
    equal "status after docker stop" "$(state "$name" ExitCode)" 0
    end_players
    remove_container "$name"

    name=tidelock-test-force-$$
    with_players "$name" 60s
    docker kill --signal TERM "$name" >/dev/null
    check "the first SIGTERM drains" wait_until 5 not_ready
    began=$(now_ms)
    docker kill --signal TERM "$name" >/dev/null
    check "the second SIGTERM stops it at once" wait_until 5 stopped "$name"
    note "stopped $(($(now_ms) - began)) ms after the second SIGTERM"
    equal "status after the second SIGTERM" "$(state "$name" ExitCode)" 0
    end_players
    remove_container "$name"
}

check_mistakes() {
    local status=0
    docker run --rm --network none --env TIDELOCK_TICK_HZ=0 "$server_image" >"$temp/mistake.log" 2>&1 || status=$?
    equal "status of a wrong setting" "$status" 2
    check "the message names it" grep -q tick-hz "$temp/mistake.log"
}

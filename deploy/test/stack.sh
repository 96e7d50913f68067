# The Compose stack: what is started, what it may do, and that it can be played and watched. Sourced by deploy/test.sh.
# shellcheck shell=bash disable=SC2154 # What the others set.

compose() { docker compose --file deploy/compose.yaml "$@"; }
compose_production() { docker compose --file deploy/compose.yaml --file deploy/compose.production.yaml "$@"; }

# A port that nobody listens on. Bash has no UDP probe, so it is assumed that who takes one takes both.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 10000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    printf '%s\n' "$port"
}

admin_url() { printf 'http://127.0.0.1:%s\n' "$TIDELOCK_ADMIN_PORT"; }
http_code() { curl --silent --max-time 5 --output /dev/null --write-out '%{http_code}' "$@" || true; }
ready() { [[ $(http_code "$(admin_url)/readyz") == 200 ]]; }
metric() { curl --silent --max-time 5 "$(admin_url)/metrics" | sed -n "s/^$1 //p"; }
rss_kb() { echo $(($(metric process_resident_memory_bytes) / 1000)); }
cpu_ms() { metric process_cpu_seconds_total | awk '{ printf "%d", $1 * 1000 }'; }
state() { docker inspect --format "{{.State.$2}}" "$1"; }
healthy() { [[ $(docker inspect --format '{{.State.Health.Status}}' "$1") == healthy ]]; }

check_compose_files() {
    check "compose.yaml is valid" compose --profile load config --quiet
    check "compose.production.yaml is valid on top of it" \
        env TIDELOCK_ADVERTISE=203.0.113.5:7777 docker compose --file deploy/compose.yaml \
        --file deploy/compose.production.yaml config --quiet
    local message
    message=$(compose_production config --quiet 2>&1 || true)
    check "compose.production.yaml asks for the public address" grep -q 'TIDELOCK_ADVERTISE' <<<"$message"
}

# tells WHAT FILE COMMAND...: like check, and shows the end of what the command wrote if it fails.
tells() {
    local what=$1 file=$2
    shift 2
    if "$@" >"$file" 2>&1; then
        ok "$what"
    else
        fail "$what: status $?"
        show_end "$file"
        return 1
    fi
}

start_stack() {
    local began
    began=$(now_ms)
    tells "the server starts in the stack" "$temp/up.log" compose up --detach --no-build server || return
    check "the server takes players" wait_until 20 ready
    note "ready for players $(($(now_ms) - began)) ms after docker compose up"
    server_id=$(compose ps --quiet server)
    check "its container becomes healthy" wait_until 30 healthy "$server_id"
    note "healthy $(($(now_ms) - began)) ms after docker compose up: Docker looks every 5 s"
    note "memory without players: $(rss_kb) kB"
    skip "Grafana is not started: its image comes from a registry only"
}

check_confinement() {
    equal "root file system is read-only" "$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}}' "$server_id")" true
    local status
    status=/proc/$(state "$server_id" Pid)/status
    if [[ ! -r $status ]]; then
        skip "what the process may do: the engine runs on another machine"
        return
    fi
    equal "user ids of the process" "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "$status")" "65532 65532 65532 65532"
    equal "effective capabilities" "$(awk '/^CapEff:/ { print $2 }' "$status")" 0000000000000000
    equal "capabilities that could be had" "$(awk '/^CapBnd:/ { print $2 }' "$status")" 0000000000000000
    equal "no new privileges" "$(awk '/^NoNewPrivs:/ { print $2 }' "$status")" 1
    equal "filter of system calls" "$(awk '/^Seccomp:/ { print $2 }' "$status")" 2
}

# What a load must keep to, so that it was one. Machines that run tests are slow, so this tells broken from whole.
thresholds=(--threshold 'clients_failed==0' --threshold 'clients_disconnected==0' --threshold 'desyncs==0'
    --threshold 'snapshots_undecodable==0')
# An age can be told only where the server's clock is known to be the simulator's: at an address of loopback.
age_threshold=(--threshold 'snapshot_age_ms_p95<250')

check_load() {
    tells "50 clients of docker compose run sim play within the thresholds" "$temp/sim.log" \
        compose run --rm --no-TTY sim --clients 50 --duration 10s --quiet "${thresholds[@]}" "${age_threshold[@]}" || return 0
    sed -n 's/^\(round trip\|snapshot age\|server tick\|  *cpu\|server  \)/      &/p' "$temp/sim.log"
    local status=0
    compose run --rm --no-TTY sim --clients 2 --duration 2s --quiet --threshold 'clients_connected>2' \
        >"$temp/sim.log" 2>&1 || status=$?
    equal "a threshold that does not hold reaches the caller as status" "$status" 99
}

# From outside, through the published ports, the address in the tokens has to be right.
check_from_host() {
    local id
    id=$(docker create "$sim_image")
    docker cp --quiet "$id:/tidelock-sim" "$temp/tidelock-sim" >/dev/null 2>&1 || docker cp "$id:/tidelock-sim" "$temp/tidelock-sim" >/dev/null
    docker rm "$id" >/dev/null
    tells "players on the host reach the server by the address in its tokens" "$temp/sim.log" \
        "$temp/tidelock-sim" --admin "$(admin_url)" --clients 5 --duration 4s --quiet "${thresholds[@]}" "${age_threshold[@]}" || true
    equal "a call from the host that changes something" "$(http_code -X POST "$(admin_url)/drain")" 403
}

query() {
    curl --silent --max-time 5 --get --data-urlencode "query=$1" "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/query"
}
answers() { query "$1" | grep -Eq "\"value\":\[[0-9.]+,\"$2\"\]"; }

check_metrics() {
    check "the metric tidelock_build_info has the version and the commit" \
        grep -Fq "tidelock_build_info{version=\"$version\",commit=\"$commit\"} 1" <(curl --silent "$(admin_url)/metrics")
    tells "Prometheus starts in the stack" "$temp/up.log" compose up --detach --no-build prometheus || return 0
    if ! wait_until 60 answers 'up{job="tidelock"}' 1; then
        fail "Prometheus scrapes the server"
        compose logs --no-log-prefix prometheus >"$temp/prometheus.log" 2>&1 || true
        show_end "$temp/prometheus.log"
        return
    fi
    ok "Prometheus scrapes the server"
    check "Prometheus knows the server's ticks" wait_until 30 answers 'tidelock_ticks_total > 0' '[0-9.e+]+'
    check "Prometheus has loaded rules" grep -q '"name":' <(curl --silent "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/rules")
}

# With a key file nobody gets tokens from the server, and its backend's tokens work.
check_production() {
    compose down --volumes >/dev/null 2>&1
    if ((EUID != 0)); then
        skip "compose.production.yaml: giving the secrets to the server's user takes root"
        return
    fi
    export TIDELOCK_KEY=$temp/key TIDELOCK_ADMIN_TOKEN=$temp/admin-token TIDELOCK_ADVERTISE=127.0.0.1:$TIDELOCK_PORT
    docker run --rm --network none "$server_image" keygen >"$TIDELOCK_KEY"
    docker run --rm --network none "$server_image" keygen >"$TIDELOCK_ADMIN_TOKEN"
    chown 65532 "$TIDELOCK_KEY" "$TIDELOCK_ADMIN_TOKEN"
    chmod 400 "$TIDELOCK_KEY" "$TIDELOCK_ADMIN_TOKEN"
    tells "the server starts with secrets" "$temp/up.log" compose_production up --detach --no-build server || return 0
    check "it takes players" wait_until 20 ready
    local token
    token=$(<"$TIDELOCK_ADMIN_TOKEN")
    equal "it gives no tokens" "$(http_code -X POST --data '{"client_id":1}' "$(admin_url)/token")" 403
    tells "players with tokens of the same key get in" "$temp/sim.log" \
        "$temp/tidelock-sim" --server "$TIDELOCK_ADVERTISE" --admin "$(admin_url)" --key-file "$TIDELOCK_KEY" \
        --clients 5 --duration 4s --quiet "${thresholds[@]}" || true
    equal "a ban without the bearer token" "$(http_code -X POST "$(admin_url)/clients/42/ban")" 403
    equal "a ban with it" "$(http_code -X POST --header "Authorization: Bearer $token" "$(admin_url)/clients/42/ban")" 200
    compose_production up --detach --no-build --force-recreate server >/dev/null 2>&1
    check "a new container takes players" wait_until 20 ready
    check "it still knows the ban" grep -q 42 <(curl --silent --header "Authorization: Bearer $token" "$(admin_url)/bans")
    compose_production down --volumes >/dev/null 2>&1
    unset TIDELOCK_KEY TIDELOCK_ADMIN_TOKEN TIDELOCK_ADVERTISE
}

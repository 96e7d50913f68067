# A Docker engine to test with: the one there is, or on Debian one of our own in the temporary folder.
# Sourced by deploy/test.sh, which sets $temp and $keep.
# shellcheck shell=bash disable=SC2154 # What the others set.

own_engine=false
engine_pid=

# Ends the test if there can be no engine: what a machine lacks is no failure.
no_engine() {
    skip "no Docker engine, and none can be set up: $*"
    skip "nothing of deploy/Dockerfile and deploy/compose.yaml was checked"
    exit $((failures > 0))
}

start_engine() {
    if command -v docker >/dev/null && docker info >/dev/null 2>&1; then
        docker compose version >/dev/null 2>&1 || no_engine "this engine's client has no Compose v2 plugin"
        docker buildx version >/dev/null 2>&1 || no_engine "this engine's client has no buildx plugin"
        note "engine: the one of docker info"
        return
    fi
    may_set_up
    remember_machine
    own_engine=true
    mkdir -p "$keep/root" "$temp/exec" "$temp/client/cli-plugins"
    export DOCKER_HOST=unix://$temp/socket DOCKER_CONFIG=$temp/client
    install_plugins
    # It has no default bridge: what is tested brings its own networks, and the machine keeps fewer traces.
    dockerd --data-root "$keep/root" --exec-root "$temp/exec" --pidfile "$temp/pid" --host "$DOCKER_HOST" --bridge none \
        >"$temp/engine.log" 2>&1 &
    engine_pid=$!
    if ! wait_until 60 answers_or_ended || ! docker info >/dev/null 2>&1; then
        show_end "$temp/engine.log"
        no_engine "dockerd does not start here"
    fi
    note "engine: our own, Docker $(docker version --format '{{.Server.Version}}')"
}

answers_or_ended() { docker info >/dev/null 2>&1 || ! kill -0 "$engine_pid" 2>/dev/null; }

may_set_up() {
    local command
    grep -qx 'ID=debian' /etc/os-release 2>/dev/null || no_engine "this is not Debian"
    ((EUID == 0)) || no_engine "that takes root"
    for command in docker dockerd mmdebstrap rustc iptables; do
        command -v "$command" >/dev/null || no_engine "$command is not installed"
    done
}

# The mirror that this machine's apt uses for Debian.
debian_mirror() {
    # shellcheck disable=SC2016 # It is apt's variable.
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Component: main' \
        | grep -v -- '-security/*$' | head -n 1
}

# Debian has the plugins from trixie on. They are static but for glibc, so they run on bookworm.
install_plugins() {
    docker compose version >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1 && return
    local apt=$temp/apt kept=$keep/cli-plugins
    if [[ ! -x $kept/docker-compose ]]; then
        mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$kept"
        printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$(debian_mirror)" \
            >"$apt/sources.list"
        local options=(-qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
            -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
        if ! { apt-get "${options[@]}" update \
            && (cd "$apt" && apt-get "${options[@]}" download docker-compose docker-buildx); } >"$temp/apt.log" 2>&1; then
            show_end "$temp/apt.log"
            no_engine "the packages docker-compose and docker-buildx of Debian trixie cannot be fetched"
        fi
        for package in "$apt"/*.deb; do dpkg -x "$package" "$apt/unpacked"; done
        cp "$apt"/unpacked/usr/libexec/docker/cli-plugins/* "$kept/"
    fi
    cp "$kept"/* "$DOCKER_CONFIG/cli-plugins/"
}

stop_engine() {
    $own_engine || return 0
    if [[ -n $engine_pid ]] && kill "$engine_pid" 2>/dev/null; then
        wait "$engine_pid" 2>/dev/null || true
    fi
    # What is still mounted would keep the folder from being removed.
    awk -v folder="$temp/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r | while read -r mount; do
        umount "$mount" 2>/dev/null || true
    done
    restore_machine
}

remember_machine() {
    had_chains=false
    iptables -t nat -S DOCKER >/dev/null 2>&1 && had_chains=true
    had_groups=false
    find /sys/fs/cgroup -type d -name docker 2>/dev/null | grep -q . && had_groups=true
    forward_policy=$(iptables -S FORWARD | sed -n 's/^-P FORWARD //p')
    ip_forward=$(</proc/sys/net/ipv4/ip_forward)
}

# An engine leaves its rules and control groups behind. Where there were such before, another engine may need them.
restore_machine() {
    if ! $had_groups; then
        find /sys/fs/cgroup -depth -type d \( -path '*/docker' -o -path '*/docker/*' \) -exec rmdir {} + 2>/dev/null || true
    fi
    $had_chains && return
    local tool table step chain
    for tool in iptables ip6tables; do
        command -v "$tool" >/dev/null || continue
        for table in nat filter; do
            "$tool" -t "$table" -S 2>/dev/null | sed -n '/^-A DOCKER/d; s/^-A \(.*DOCKER.*\)/-D \1/p' \
                | xargs -r -L1 "$tool" -t "$table" || true
            for step in -F -X; do
                "$tool" -t "$table" -S 2>/dev/null | awk '$1 == "-N" && $2 ~ /^DOCKER/ { print $2 }' | while read -r chain; do
                    "$tool" -t "$table" "$step" "$chain" || true
                done
            done
        done
    done
    iptables -P FORWARD "$forward_policy"
    echo "$ip_forward" >/proc/sys/net/ipv4/ip_forward
}

# The images: those that a registry would have, and ours. Sourced by deploy/test.sh.
# shellcheck shell=bash disable=SC2154 # What the others set.

# An engine of our own reaches no registry, so what the Dockerfile and Compose name is made from Debian's packages and
# the installed toolchain.
make_base_images() {
    $own_engine || return 0
    note "instead of a registry's images of Rust and Prometheus: stand-ins of Debian's packages and the installed toolchain"
    local rust_version prometheus_image
    rust_version=$(sed -n 's/^ARG RUST_VERSION=//p' deploy/Dockerfile)
    prometheus_image=$(sed -n 's/^ *image: \(prom\/prometheus:.*\)/\1/p' deploy/compose.yaml)
    [[ $(rustc --version) == "rustc $rust_version."* ]] \
        || no_engine "the Dockerfile takes Rust $rust_version, and installed is $(rustc --version)"
    export toolchain
    toolchain=$(rustc --print sysroot)
    # shellcheck disable=SC2016 # The hooks' $1 is the new root.
    import_debian "rust:$rust_version-bookworm" --variant=minbase --include=gcc,libc6-dev,ca-certificates \
        --change='ENV PATH=/usr/local/rust/bin:/usr/sbin:/usr/bin:/sbin:/bin CARGO_HOME=/usr/local/cargo' \
        --customize-hook='mkdir "$1/usr/local/rust"' \
        --customize-hook='tar -C "$toolchain" -c bin lib | tar -C "$1/usr/local/rust" -x' \
        || no_engine "no stand-in for the image of Rust can be made"
    # The real image has this user, too, to whom the data belongs.
    # shellcheck disable=SC2016
    import_debian "$prometheus_image" --variant=extract --include=prometheus \
        --change='ENTRYPOINT ["/usr/bin/prometheus"]' --change='USER 65534' \
        --setup-hook='install -d -o 65534 -g 65534 "$1/prometheus"' \
        || no_engine "no stand-in for the image of Prometheus can be made"
}

# import_debian IMAGE OPTION...: of mmdebstrap, or --change=... of docker import.
import_debian() {
    local image=$1 option options=() changes=()
    shift
    docker image inspect "$image" >/dev/null 2>&1 && return
    for option in "$@"; do
        if [[ $option == --change=* ]]; then changes+=("$option"); else options+=("$option"); fi
    done
    if ! mmdebstrap --quiet "${options[@]}" bookworm - "$(debian_mirror)" 2>"$temp/debootstrap.log" \
        | docker import "${changes[@]}" - "$image" >/dev/null; then
        show_end "$temp/debootstrap.log"
        return 1
    fi
}

# build TARGET IMAGE FOLDER: prints nothing unless it fails; the log is $temp/build.log.
build() {
    local options=(--file "$3/deploy/Dockerfile" --target "$1" --tag "$2" --progress plain
        --build-arg "VERSION=$version" --build-arg "COMMIT=$commit")
    # As this machine reaches crates, so does the build.
    local config=${CARGO_HOME:-$HOME/.cargo}/config.toml certificates=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
    [[ -f $config ]] && options+=(--secret "id=cargo-config,src=$config")
    [[ -f $certificates ]] && options+=(--secret "id=ca-certificates,src=$certificates")
    local proxy
    for proxy in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
        [[ -n ${!proxy:-} ]] && options+=(--build-arg "$proxy")
    done
    # An engine of our own has no bridge.
    $own_engine && options+=(--network host)
    # In the background, so that a signal need not wait for it.
    DOCKER_BUILDKIT=1 docker build "${options[@]}" "$3" >"$temp/build.log" 2>&1 &
    background=$!
    local status=0
    wait "$background" || status=$?
    background=
    ((status)) || return 0
    show_end "$temp/build.log"
    return 1
}

# timed_build WHAT TARGET IMAGE FOLDER
timed_build() {
    local began=$SECONDS
    if ! build "$2" "$3" "$4"; then
        fail "$1 builds"
        return 1
    fi
    ok "$1 builds, in $((SECONDS - began)) s"
}

build_images() {
    timed_build "the server's image" server "$server_image" . \
        && timed_build "the simulator's image" sim "$sim_image" .
}

# A changed source file must not build the dependencies anew.
check_build_cache() {
    mkdir "$temp/changed"
    tar -c --exclude target --exclude .git --exclude deploy/prometheus --exclude deploy/grafana . | tar -C "$temp/changed" -x
    echo '// Changed.' >>"$temp/changed/server/src/main.rs"
    timed_build "the server's image after a change of its source" build-server "$server_image-changed" "$temp/changed" || return
    check "a changed source file is compiled" grep -q 'Compiling tidelock-server ' "$temp/build.log"
    local others
    others=$(grep -o 'Compiling .*' "$temp/build.log" | grep -vc 'Compiling tidelock' || true)
    equal "dependencies that are compiled again for it" "$others" 0
}

check_images() {
    local server_size sim_size
    server_size=$(docker image inspect --format '{{.Size}}' "$server_image")
    sim_size=$(docker image inspect --format '{{.Size}}' "$sim_image")
    at_most "size of the server's image" "$((server_size / 1000))" 15000 kB
    note "size of the simulator's image: $((sim_size / 1000)) kB"
    equal "user of the image" "$(docker image inspect --format '{{.Config.User}}' "$server_image")" 65532:65532
    equal "version in its labels" "$(label version "$server_image")" "$version"
    equal "revision in its labels" "$(label revision "$server_image")" "$commit"
    equal "version of the binary" "$(docker run --rm --network none "$server_image" --version)" "tidelock-server $version"
}

label() { docker image inspect --format "{{index .Config.Labels \"org.opencontainers.image.$1\"}}" "$2"; }

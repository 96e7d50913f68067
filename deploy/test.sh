#!/usr/bin/env bash
# Builds the images and runs them as operators would: deploy/Dockerfile, deploy/compose.yaml and what they promise.
# It takes a Docker engine with Compose v2 and buildx; on Debian, as root, it sets up its own without a registry. Where
# neither can be had, it says so and exits with 0. Whatever it starts is gone afterwards.
#   deploy/test.sh                 about ten minutes on two cores, most of them for compiling
#   KEEP=FOLDER deploy/test.sh     keeps the own engine's images and build cache in this folder, for the next time
# Exit status: 0 if all holds or nothing could be checked, 1 if anything does not.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. deploy/test/report.sh
. deploy/test/engine.sh
. deploy/test/images.sh
. deploy/test/stack.sh
. deploy/test/single.sh
. deploy/test/unit.sh

# What the caller has set is for the caller's server.
while read -r name; do unset "$name"; done < <(compgen -e TIDELOCK_ || true)

temp=$(mktemp -d "${TMPDIR:-/tmp}/tidelock-deploy.XXXXXX")
keep=${KEEP:-$temp/engine}
containers=()
network=
background=
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
server_image=tidelock-server:test-$$
sim_image=tidelock-sim:test-$$

clean_up() {
    local status=$?
    trap - EXIT
    set +e
    [[ -n $background ]] && kill "$background" 2>/dev/null
    if docker info >/dev/null 2>&1; then
        docker compose --file deploy/compose.yaml down --volumes --timeout 3 >/dev/null 2>&1
        for container in "${containers[@]}"; do docker rm --force --volumes "$container" >/dev/null 2>&1; done
        [[ -n $network ]] && docker network rm "$network" >/dev/null 2>&1
        docker image rm --force "$server_image" "$server_image-changed" "$sim_image" >/dev/null 2>&1
    fi
    stop_engine
    rm -rf "$temp"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

TIDELOCK_PORT=$(free_port)
TIDELOCK_ADMIN_PORT=$(free_port)
PROMETHEUS_PORT=$(free_port)
export TIDELOCK_PORT TIDELOCK_ADMIN_PORT PROMETHEUS_PORT
export TIDELOCK_SERVER_IMAGE=$server_image TIDELOCK_SIM_IMAGE=$sim_image COMPOSE_PROJECT_NAME=tidelock-test-$$
mkdir -p "$keep"

deploy/systemd/test.sh || failures=$((failures + 1))
start_engine
make_base_images
check_compose_files
if build_images; then
    check_images
    check_build_cache
    if start_stack; then
        check_confinement
        check_load
        check_from_host
        check_metrics
        check_production
    fi
    compose down --volumes >/dev/null 2>&1
    make_network
    check_limits
    check_stop
    check_mistakes
    check_unit
fi

if ((failures)); then
    printf '\n%s of the checks failed\n' "$failures"
    exit 1
fi
printf '\nall good\n'

#!/bin/sh
# Builds one package's binary for an image that holds nothing else. The Dockerfile calls it, inside the image of Rust.
# Arguments: the package, the folder for the binary. TIDELOCK_COMMIT may be empty.
set -eu
package=$1
folder=$2

# Cargo goes by the files' times, but a cache outlives the checkout that filled it: two checkouts that share one would
# get each other's code where a file is older than the cache. So what is ours counts as new; what is not ours is not
# built again.
find . -path ./target -prune -o -name '*.rs' -exec touch {} +

# An empty value would be compiled in as the commit.
[ -n "${TIDELOCK_COMMIT:-}" ] || unset TIDELOCK_COMMIT

# A static binary of glibc: its allocator is several times as fast as that of musl, and since 2.34 it reads /etc/hosts
# and asks name servers without libraries at run time. With an explicit target, RUSTFLAGS are not for build scripts and
# macros, which must stay dynamic.
target=$(rustc --print host-tuple)
export RUSTFLAGS="-C target-feature=+crt-static"
export CARGO_PROFILE_RELEASE_DEBUG=false
export CARGO_PROFILE_RELEASE_STRIP=symbols
cargo build --locked --release --package "$package" --bin "$package" --target "$target"

# The folder of the build is a cache, of which later steps see nothing.
install -D "target/$target/release/$package" "$folder/$package"

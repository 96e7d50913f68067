#!/usr/bin/env python3
"""Runs the same cells through Tidelock and through other libraries, and prints a table with ratios.

    benches/peers/run.py [--cells 1000x100,...] [--links spread,clear] [--peers tidelock,replicon,...] [--reps 3]
                         [--recording FILE] [--json OUT.json] [--no-build]
    benches/peers/run.py --markdown A.json,B.json

One process for each run, one after the other; of several repetitions the one with the median time counts. Runs that take
longer than --timeout seconds are given up, and so told. A ratio is a library's figure by ours, in the same run of this
program: 10.0x means that it takes ten times as much. The second form runs nothing, and makes one table of results
written before.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
QUANTIZED = ("bevy_replicon-0.45.5", "quant")

# Program, variant. Which of them can run a cell is decided in `variants`.
PEERS = {
    "tidelock": ("peer-tidelock", [""]),
    "replicon": ("peer-replicon", ["", "one", "quant"]),
    "lightyear": ("peer-lightyear", [""]),
    "lightyear-0.30": ("peer-lightyear-0-30", [""]),
    "naia": ("peer-naia", ["", "capped"]),
    "bitcode": ("peer-bitcode", ["", "shared"]),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: text.split(",")
    sizes = lambda text: [tuple(map(int, cell.split("x"))) for cell in text.split(",")]
    parser.add_argument("--cells", type=sizes, default="100x10,1000x10,1000x100,5000x100", help="entities x clients")
    parser.add_argument("--moving", type=words, default="1,0.1", help="shares of entities that walk")
    parser.add_argument("--modes", type=words, default="all,interest")
    parser.add_argument("--links", type=words, default="spread,clear")
    parser.add_argument("--peers", type=words, default=",".join(PEERS))
    parser.add_argument("--recording", help="play of the arena, in place of the walk")
    parser.add_argument("--ticks", type=int, default=200)
    parser.add_argument("--reps", type=int, default=1)
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one run")
    parser.add_argument("--json", help="where all results go")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--markdown", type=words, help="results of which a table is made, and nothing is run")
    return parser.parse_args()


def build():
    # Some of them ask for a newer compiler than they need. The lock file follows what our own manifests add, no more.
    command = ["cargo", "build", "--release", "--workspace", "--ignore-rust-version"]
    subprocess.run(command, cwd=HERE, check=True)


def programs():
    target = os.environ.get("CARGO_TARGET_DIR")
    return pathlib.Path(target) / "release" if target else HERE / "target" / "release"


def cells(flags):
    for links in flags.links:
        for entities, clients in flags.cells:
            for moving in flags.moving[:1] if flags.recording else flags.moving:
                for mode in flags.modes:
                    yield {"links": links, "entities": entities, "clients": clients, "moving": float(moving), "mode": mode}


def variants(peer, cell):
    """Those that can run a cell at all, and say something there."""
    _, names = PEERS[peer]
    is_shown = cell["entities"] == 1000 and cell["clients"] == 100 or cell["entities"] < 1000
    for name in names:
        if peer == "bitcode" and (cell["links"] == "spread" or name == "shared" and cell["mode"] == "interest"):
            continue
        if peer == "replicon" and name == "one" and not is_shown:
            continue
        # It knows the fate of 32 packets of 430 bytes for each client: a tick of more is beyond it.
        if peer == "naia" and name == "" and cell["mode"] == "all" and cell["entities"] * cell["moving"] > 400:
            continue
        # What it panics of.
        if peer == "naia" and name == "capped" and cell["mode"] == "interest" and cell["entities"] > 100:
            continue
        yield name


def run(flags, peer, variant, cell):
    program, _ = PEERS[peer]
    # In bad links all copies count, of as many clients as there is time for.
    few = cell["entities"] * cell["clients"] > 100_000
    real = 1 if cell["links"] == "clear" else 5 if few else cell["clients"]
    command = [str(programs() / program), "--entities", str(cell["entities"]), "--clients", str(cell["clients"])]
    command += ["--moving", str(cell["moving"]), "--ticks", str(flags.ticks), "--real", str(real), "--variant", variant]
    command += ["--interest"] if cell["mode"] == "interest" else []
    command += ["--spread", "--quiet-ticks", "300"] if cell["links"] == "spread" else []
    command += ["--recording", flags.recording] if flags.recording else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=flags.timeout)
    except subprocess.TimeoutExpired:
        return {"error": f"longer than {flags.timeout} s"}
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        said = next((lines[n + 1] for n, line in enumerate(lines[:-1]) if "panicked at" in line), lines[-1])
        return {"error": said[:100]}
    return json.loads(done.stdout.splitlines()[-1])


def median(results):
    good = sorted((result for result in results if "error" not in result), key=lambda result: result["cpu"]["p50_us"])
    return good[len(good) // 2] if good else results[0]


def ratio(theirs, ours):
    return f"{theirs / ours:8.1f}x" if ours else "        -"


HEAD = (
    f"{'':38}{'cpu p50 ms':>11}{'p99 ms':>9}{'ratio':>9}{'B/client/tick':>15}{'ratio':>9}{'allocs':>9}{'MB':>8}"
    f"   {'right':>7} {'stale':>6} {'missing':>7} {'ghost':>5}"
)


def row(name, result, ours):
    if "error" in result:
        return f"{name:38}{result['error']}"
    cpu, copies = result["cpu"], result["copies"]
    cost, size = cpu["p50_us"], result["bytes_per_client_tick"]
    return (
        f"{name:38}{cost / 1000:11.3f}{cpu['p99_us'] / 1000:9.3f}{ratio(cost, ours and ours['cpu']['p50_us'])}"
        f"{size:15.1f}{ratio(size, ours and ours['bytes_per_client_tick'])}{result['allocations_per_tick']:9.0f}"
        f"{result['memory_peak_mb']:8.0f}"
        f"   {copies['right']:7} {copies['stale']:6} {copies['missing']:7} {copies['ghost']:5}"
    )


def best(results, ours):
    """How many times as much the best of the others takes: time of any, bytes of the one that is quantized like ours."""
    good = [result for (peer, _), result in results.items() if peer not in ("tidelock", "bitcode") and "error" not in result]
    complete = [result for result in good if result["variant"] != "capped"]
    if ours is None or "error" in ours or not complete:
        return None
    cost = min(result["cpu"]["p50_us"] for result in complete) / ours["cpu"]["p50_us"]
    alike = [result["bytes_per_client_tick"] for result in good if (result["peer"], result["variant"]) == QUANTIZED]
    return cost, (min(alike) / ours["bytes_per_client_tick"] if alike else None)


def markdown(files):
    """One line for each cell. Of a library's variants the cheapest counts, unless it sends less than it should."""
    entries = [entry for file in files for entry in json.loads(pathlib.Path(file).read_text())]
    keys = ("links", "entities", "clients", "moving", "mode")
    grouped = {}
    for entry in entries:
        grouped.setdefault(tuple(entry[key] for key in keys), []).append(entry)
    libraries = ["replicon", "lightyear", "naia"]
    names = " | ".join(libraries)
    wrong_of = ", ".join(["ours", *libraries])
    print(f"| links | entities × clients, walking, mode | ours: ms | B | {names} | quantized alike: B | wrong copies: {wrong_of} |")
    print("|---|---|---|---|" + "---|" * len(libraries) + "---|---|")
    for (links, entities, clients, moving, mode), runs in grouped.items():
        good = [run for run in runs if "error" not in run["result"] and run["variant"] != "capped"]
        of = lambda program: [run["result"] for run in good if run["program"].startswith(program)]
        if not of("tidelock"):
            continue
        ours = of("tidelock")[0]
        times = lambda value, own: f"× {value / own:.1f}"
        cost = lambda results: min(results, key=lambda result: result["cpu"]["p50_us"], default=None)
        bad = lambda result: sum(result["copies"][what] for what in ("stale", "missing", "ghost"))
        wrong = lambda results: max(map(bad, results), default=None)
        columns = [f"{ours['cpu']['p50_us'] / 1000:.3f}", f"{ours['bytes_per_client_tick']:.0f}"]
        for program in libraries:
            best = cost(of(program))
            tried = any(run["program"].startswith(program) and run["variant"] != "capped" for run in runs)
            told = times(best["cpu"]["p50_us"], ours["cpu"]["p50_us"]) if best else "fails" if tried else "–"
            columns.append(told)
        alike = [result for result in of("replicon") if result["variant"] == "quant"]
        columns.append(times(alike[0]["bytes_per_client_tick"], ours["bytes_per_client_tick"]) if alike else "–")
        counts = [wrong(of(program)) for program in ["tidelock", *libraries]]
        columns.append(", ".join("–" if count is None else str(count) for count in counts))
        what = "recorded" if ours["recording"] else f"{moving:.0%}"
        print(f"| {links} | {entities} × {clients}, {what}, {mode} | " + " | ".join(columns) + " |")


def main():
    flags = arguments()
    if flags.markdown:
        return markdown(flags.markdown)
    if not flags.no_build:
        build()
    written = []
    for cell in cells(flags):
        title = "recorded play" if flags.recording else f"{cell['moving']:.0%} walk"
        print(f"\n{cell['entities']} entities, {cell['clients']} clients, {title}, {cell['mode']}, links {cell['links']}")
        print(HEAD)
        results, ours = {}, None
        for peer in flags.peers:
            for variant in variants(peer, cell):
                result = median([run(flags, peer, variant, cell) for _ in range(flags.reps)])
                results[peer, variant] = result
                ours = result if peer == "tidelock" and "error" not in result else ours
                name = result.get("peer", peer) + (f" ({variant})" if variant else "")
                print(row(name, result, ours), flush=True)
                written.append({"program": peer, **cell, "variant": variant, "result": result})
        against = best(results, ours)
        if against:
            cost, size = against
            bytes_told = f"; the best quantized alike takes {size:.1f} times our bytes" if size else ""
            print(f"the best of the others takes {cost:.1f} times our time{bytes_told}")
    if flags.json:
        pathlib.Path(flags.json).write_text(json.dumps(written, indent=1) + "\n")
    wrong = [entry for entry in written if entry["program"] == "tidelock" and not is_right(entry["result"])]
    if wrong:
        sys.exit(f"{len(wrong)} of our own runs failed, or left copies that are wrong")


def is_right(result):
    return "error" not in result and not any(result["copies"][what] for what in ("stale", "missing", "ghost"))


if __name__ == "__main__":
    main()

"""What a client sees of the arena, from above: python3 examples/watch.py --admin http://127.0.0.1:9100

In the terminal, or as one picture with --svg FILE. `@` is the client's own avatar.
"""

import argparse
import asyncio
import math
import random
import shutil
from collections.abc import Iterable
from pathlib import Path

import tidelock

SIGNS = {"Avatar": "A", "Npc": "o", "Projectile": "*", "HealthPack": "+", "AmmoPack": "="}
COLOURS = {
    "Avatar": "#c0392b",
    "Npc": "#2471a3",
    "Projectile": "#d68910",
    "HealthPack": "#229954",
    "AmmoPack": "#7d3c98",
}
FRAME_EVERY_S = 0.1
LEGEND = "  ".join(["@ you", *(f"{sign} {kind}" for kind, sign in SIGNS.items())])


def kind_of(entity: tidelock.Entity) -> str:
    return str(entity.components.get("kind", {}).get("kind", "?"))


def bounds(schema: tidelock.Schema) -> tuple[float, float]:
    """From where to where the world goes, by the range of a position."""
    for component in schema.streams[0]:
        if component.name == "position":
            return component.fields[0].min, component.fields[0].max
    return -100.0, 100.0


def drawn(entities: Iterable[tidelock.Entity], least: float, most: float, columns: int, rows: int) -> str:
    cells = [[" "] * columns for _ in range(rows)]
    for entity in sorted(entities, key=lambda e: e.is_own):
        place = entity.components.get("position")
        if place is None:
            continue
        column = min(columns - 1, int((place["x"] - least) / (most - least) * columns))
        row = min(rows - 1, int((most - place["y"]) / (most - least) * rows))
        cells[row][column] = "@" if entity.is_own else SIGNS.get(kind_of(entity), "?")
    return "\n".join("".join(row).rstrip() for row in cells)


def svg(entities: Iterable[tidelock.Entity], least: float, most: float, title: str) -> str:
    span = most - least
    shapes = []
    for entity in entities:
        place = entity.components.get("position")
        if place is None:
            continue
        x, y = place["x"] - least, most - place["y"]
        colour = COLOURS.get(kind_of(entity), "#555")
        ring = ' stroke="black" stroke-width="0.5"' if entity.is_own else ""
        if "facing" in entity.components:
            yaw = entity.components["facing"]["yaw"]
            shapes.append(
                f'<line x1="{x:.2f}" y1="{y:.2f}" x2="{x + 3 * math.cos(yaw):.2f}" y2="{y - 3 * math.sin(yaw):.2f}"'
                f' stroke="{colour}" stroke-width="0.4"/>'
            )
        shapes.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="1.2" fill="{colour}"{ring}/>')
    legend = "".join(
        f'<circle cx="{2 + 28 * n}" cy="{span + 5:.0f}" r="1.2" fill="{colour}"/>'
        f'<text x="{5 + 28 * n}" y="{span + 6.3:.1f}" font-size="4" font-family="sans-serif">{kind}</text>'
        for n, (kind, colour) in enumerate(COLOURS.items())
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="-2 -8 {span + 4:.0f} {span + 18:.0f}" width="800">'
        f'<rect x="0" y="0" width="{span:.0f}" height="{span:.0f}" fill="#f6f6f2" stroke="#999"/>'
        f'<text x="0" y="-2" font-size="5" font-family="sans-serif">{title}</text>{"".join(shapes)}{legend}</svg>\n'
    )


async def watch(args: argparse.Namespace) -> None:
    token = await tidelock.fetch_token(args.admin, args.client_id)
    loop = asyncio.get_running_loop()
    schema = tidelock.Schema.load(args.schema or await tidelock.fetch_schema(args.admin))
    least, most = bounds(schema)
    async with tidelock.connect(token, schema) as world:
        world.send_input(forward=1.0)
        begun_s, drawn_s = loop.time(), 0.0
        async for snapshot in world.snapshots():
            now_s = loop.time()
            title = (
                f"tick {snapshot.tick}, {len(list(world.entities()))} in sight, {world.stats.srtt_s * 1000:.0f} ms away"
            )
            if args.svg is not None:
                if snapshot.whole and now_s - begun_s > 1.0:
                    args.svg.write_text(svg(world.entities(), least, most, title), encoding="utf-8")
                    print(f"{args.svg}: {title}")
                    return
            elif now_s - drawn_s > FRAME_EVERY_S:
                drawn_s = now_s
                columns, lines = shutil.get_terminal_size()
                rows = max(4, min(lines - 2, columns // 2))
                print(
                    f"\x1b[H\x1b[J{title}   {LEGEND}\n{drawn(world.entities(), least, most, 2 * rows, rows)}",
                    flush=True,
                )
            if now_s - begun_s > args.seconds:
                return


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--admin", default="http://127.0.0.1:9100", help="where POST /token is")
    flags.add_argument("--schema", type=Path, help="a file of what GET /schema answers, not to ask for it")
    flags.add_argument("--client-id", type=int, default=random.randrange(1 << 32))
    flags.add_argument("--seconds", type=float, default=3600.0)
    flags.add_argument("--svg", type=Path, help="write one picture, and end")
    try:
        asyncio.run(watch(flags.parse_args()))
    except (tidelock.TidelockError, KeyboardInterrupt) as end:
        print(f"the end: {end}")

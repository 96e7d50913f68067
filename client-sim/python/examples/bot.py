"""A bot that walks about, shoots a little, and chats: python3 examples/bot.py --admin http://127.0.0.1:9100"""

import argparse
import asyncio
import math
import random
from pathlib import Path

import tidelock


def walk(tick: int) -> dict[str, object]:
    """Called for each tick: what the bot does in it."""
    return {"forward": 1.0, "yaw": 3 * math.sin(tick / 200), "fire": tick % 90 < 5, "jump": tick % 300 == 0}


async def play(admin: str, schema_file: Path | None, client_id: int, seconds: float) -> None:
    schema = schema_file or await tidelock.fetch_schema(admin)
    token = await tidelock.fetch_token(admin, client_id)
    async with tidelock.connect(token, schema, on_tick=walk) as world, asyncio.timeout(seconds):
        world.send_event("say", {"text": "hello"})
        async for snapshot in world.snapshots():
            for name, event in world.events():
                print(f"tick {snapshot.tick}: {name} {event}")
            if snapshot.tick % 300 == 0 and world.avatar is not None:
                place = world.avatar.components["position"]
                in_sight = len(list(world.entities()))
                print(f"tick {snapshot.tick}: at {place['x']:.1f} {place['y']:.1f}, {in_sight} in sight")


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--admin", default="http://127.0.0.1:9100", help="where POST /token is")
    flags.add_argument("--schema", type=Path, help="a file of what GET /schema answers, not to ask for it")
    flags.add_argument("--client-id", type=int, default=random.randrange(1 << 32))
    flags.add_argument("--seconds", type=float, default=60.0)
    args = flags.parse_args()
    try:
        asyncio.run(play(args.admin, args.schema, args.client_id, args.seconds))
    except TimeoutError:
        print("enough")
    except (tidelock.TidelockError, KeyboardInterrupt) as end:
        print(f"the end: {end}")

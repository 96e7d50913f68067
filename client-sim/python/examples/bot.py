"""A bot that walks about, shoots a little, and chats: python3 examples/bot.py http://127.0.0.1:9100"""

import asyncio
import math
import random
import sys

import tidelock


def walk(tick: int) -> dict[str, object]:
    return {"forward": 1.0, "yaw": 3 * math.sin(tick / 200), "fire": tick % 90 < 5, "jump": tick % 300 == 0}


async def play(admin: str) -> None:
    schema = await tidelock.fetch_schema(admin)
    token = await tidelock.fetch_token(admin, client_id=random.randrange(1 << 32))
    async with tidelock.connect(token, schema, on_tick=walk) as world:
        world.send_event("say", {"text": "hello"})
        async for snapshot in world.snapshots():
            for name, event in world.events():
                print(f"tick {snapshot.tick}: {name} {event}")


try:
    asyncio.run(play(*sys.argv[1:2] or ["http://127.0.0.1:9100"]))
except (tidelock.TidelockError, KeyboardInterrupt) as end:
    print("the end:", str(end) or "interrupted")

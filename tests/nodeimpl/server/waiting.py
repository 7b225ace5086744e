"""Waiting, in a test, for what happens elsewhere."""

import asyncio
from collections.abc import Callable

PATIENCE_SECONDS = 10


async def until(condition: Callable[[], object]) -> None:
    """Return when `condition` holds; fail if it does not come to."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110 (it watches what knows of no event)
            await asyncio.sleep(0.002)

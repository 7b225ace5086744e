"""The hash of this member's store, made while the member goes on serving."""

import asyncio

from nodeimpl.api.errors import ApiError
from nodeimpl.ids import Revision
from nodeimpl.mvcc.store import Store
from nodeimpl.mvcc.store_hash import StoreHash
from nodeimpl.server.driver import ApiFailure


async def hash_of(store: Store, revision: Revision) -> StoreHash:
    """Return the hash as of this call; 0 means the present. Raise `ApiFailure` if there is none.

    Between every few rows others have their turn.
    """
    for found in store.hash_steps(revision):
        match found:
            case None:
                await asyncio.sleep(0)
            case ApiError():
                raise ApiFailure(found)
            case StoreHash():
                return found
    raise AssertionError("the last step is the answer")

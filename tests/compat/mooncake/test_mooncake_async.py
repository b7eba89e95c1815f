"""The store for asyncio."""

import asyncio

from mooncake.async_store import MooncakeDistributedStoreAsync
from mooncake.store import MooncakeDistributedStore


def test_every_call_can_be_awaited(pool):
    names = [name for name in dir(MooncakeDistributedStore) if not name.startswith("_")]
    assert all(hasattr(MooncakeDistributedStoreAsync, f"async_{name}") for name in names)
    assert not any(name.startswith("async_async") for name in dir(MooncakeDistributedStoreAsync))

    async def use():
        async with MooncakeDistributedStoreAsync() as store:
            assert await store.async_setup("localhost", "P", 0, 0, "tcp", "", pool.meta,
                                           tenant_id="async") == 0
            codes = await asyncio.gather(*(store.async_put(f"k{number}", b"x" * number)
                                           for number in range(1, 20)))
            assert codes == [0] * 19
            assert await store.async_get("k5") == b"xxxxx" == store.get("k5")
            assert await store.async_batch_is_exist(keys=["k1", "none"]) == [1, 0]
            assert await store.async_remove_all() == 19
        assert store.get("k5") == b"" and await store.async_put("k", b"x") == -600

    asyncio.run(use())

"""How far a hybrid model can restore a prefix: a function of which pages of which pool exist."""

import inspect
from dataclasses import dataclass

from ._sglang_interface import PoolHitPolicy, PoolTransferResult


@dataclass(frozen=True)
class Found:
    """What the storage has of one pool beside KV.

    exists: for ALL_PAGES one bool per object, each of `span` logical pages; for a trailing pool one
    bool per page. trailing: how many pages before the end it needs, or 0 for all of them.
    """

    name: object
    exists: list
    span: int = 1
    trailing: int = 0

    @classmethod
    def wanted(cls, transfer, pages):
        """What to ask for: the keys of the pool's objects, and this record without answers."""
        span = max(1, int(getattr(transfer, "logical_pages_per_object", 1) or 1))
        keys = list(transfer.keys or [])
        if transfer.hit_policy == PoolHitPolicy.TRAILING_PAGES:
            return list(pages), cls(transfer.name, [], 1, max(1, len(keys)))
        objects = list(pages) if span == 1 else keys or list(pages[span - 1 :: span])
        return objects, cls(transfer.name, [], span, 0)

    def reach(self):
        """The longest prefix, in pages, that this pool alone allows."""
        return len(self.exists) if self.trailing else leading(self.exists) * self.span

    def allows(self, prefix):
        """Whether a prefix of so many pages can be restored from this pool."""
        if not self.trailing:
            return prefix % self.span == 0 and prefix <= self.reach()
        return all(self.exists[max(0, prefix - self.trailing) : prefix])


def leading(exists):
    """The number of True before the first False."""
    return next((i for i, one in enumerate(exists) if not one), len(exists))


def result(kv_pages, pools):
    """SGLang's PoolTransferResult: the longest prefix that KV and all pools allow, what each pool
    has of it, and all prefixes that could be restored (if SGLang's class has a place for them)."""
    bound = min([kv_pages, *(pool.reach() for pool in pools)])
    restorable = [n for n in range(1, bound + 1) if all(pool.allows(n) for pool in pools)]
    hit = restorable[-1] if restorable else 0
    values = {
        "kv_hit_pages": hit,
        "extra_pool_hit_pages": {pool.name: hit for pool in pools},
        "restorable_prefix_pages": restorable,
    }
    known = inspect.signature(PoolTransferResult).parameters
    return PoolTransferResult(**{name: value for name, value in values.items() if name in known})

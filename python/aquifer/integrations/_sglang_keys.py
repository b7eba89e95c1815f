"""Names of SGLang's pages in the pool.

    sglang:[TAG:]MODEL:SHAPE:RANK:POOL:PAGE

PAGE is SGLang's hash of all tokens up to the end of the page. SHAPE says how the bytes of a page
lie (layout, tokens, type), RANK which part of the model they belong to. Whatever makes bytes differ
is in the key, so two engines read each other's pages exactly when these are equal.

A page of one rank is one object with as many pieces as the layout has places for it (K and V, or
one per layer, or the states of a Mamba layer). So it comes and goes as a whole. Only where ranks of
another number shall find their heads (`should_split_heads`) a page is several objects, one a part.
"""

from ._shared import model_prefix, type_name

KV = "kv"


def pool_name(name):
    """The text of a pool's name, which is a str or one of SGLang's PoolName."""
    return str(getattr(name, "value", name))


class PageKeys:
    """Makes object keys from page keys for one rank of an engine."""

    def __init__(self, config, tag=""):
        self.prefix = model_prefix("sglang", getattr(config, "model_name", None), tag)
        self._is_mla = bool(getattr(config, "is_mla_model", False))
        self._rank = int(getattr(config, "tp_rank", 0) or 0)
        self._ranks = int(getattr(config, "tp_size", 1) or 1)
        self._common_ranks = int(getattr(config, "tp_lcm_size", None) or self._ranks)
        self._splits = bool(getattr(config, "should_split_heads", False))
        self._other_axes = "".join(
            f".{axis}{getattr(config, f'{name}_rank', 0)}of{getattr(config, f'{name}_size', 1)}"
            for axis, name in (("pp", "pp"), ("cp", "attn_cp"))
            if (getattr(config, f"{name}_size", 1) or 1) > 1
        )

    def parts(self, pool=KV):
        """How many objects a page of this pool is."""
        split = self._splits and not self._is_mla and pool == KV
        return max(1, self._common_ranks // self._ranks) if split else 1

    def prefixes(self, host_pool, pool=KV, flat=False):
        """What the keys of a pool's pages begin with, one prefix per part. `flat`: pages as
        SGLang's generic path moves them, whose bytes may lie otherwise than in the host pool."""
        layout = "flat" if flat else str(getattr(host_pool, "layout", "page"))
        kind = type_name(getattr(host_pool, "dtype", "bytes"))
        shape = f"{layout}.{getattr(host_pool, 'page_size', 1)}.{kind}"
        parts = 1 if flat else self.parts(pool)
        by_heads = layout == "page_head" and pool == KV
        ranks = self._common_ranks if by_heads else self._ranks
        return [
            f"{self.prefix}{shape}:{self._place(host_pool, pool, part, parts, ranks)}:{pool}:"
            for part in range(parts)
        ]

    def _place(self, host_pool, pool, part, parts, ranks):
        if self._is_divided(host_pool, pool):
            return f"tp{self._rank * parts + part}of{ranks}{self._other_axes}"
        return f"all{self._other_axes}"

    def _is_divided(self, host_pool, pool):
        """Whether each tensor-parallel rank has its own bytes. The latent KV of MLA is the same on
        all; the states of Mamba, and whatever has heads, is divided in an MLA model too."""
        has_heads = pool != KV and hasattr(host_pool, "head_num")
        return not self._is_mla or pool == "mamba" or has_heads


def object_keys(prefixes, pages):
    """The keys of pages, all parts of the first page first."""
    return [prefix + page for page in pages for prefix in prefixes]


def parent_keys(prefixes, pages, before=None):
    """For each of `object_keys`, the key of the same part of the page before it, or None. The pool
    evicts the ends of chains first."""
    parents = [before, *pages[:-1]]
    return [prefix + page if page else None for page in parents for prefix in prefixes]

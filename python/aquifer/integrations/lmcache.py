"""LMCache: a remote storage in the pool.

    remote_url: "aquifer://HOST:5000"
    remote_storage_plugins: ["aquifer"]
    extra_config:
      remote_storage_plugin.aquifer.module_path: aquifer.integrations.lmcache
      remote_storage_plugin.aquifer.class_name: AquiferConnectorAdapter

Further options stand in the address (?namespace=lm&tag=a), or as `aquifer.NAME` in extra_config:
namespace, timeout (1 second), zone, replicas, transport, copy_threads, tcp_streams, tag, and meta
for an address that has no host. Without either the environment's AQUIFER_META is taken.
"""

import logging
from urllib.parse import parse_qsl, urlsplit

import aquifer

from ._lmcache_chunks import HEADER_BYTES_MAX, Chunk
from ._lmcache_interface import ConnectorAdapter, RemoteConnector
from ._shared import Complaints, Options, shortened

_SCHEME = "aquifer://"
_KEY_BYTES_MAX = 900
_EXTRA = "aquifer."


class AquiferConnectorAdapter(ConnectorAdapter):
    """Makes the connectors for addresses that begin with aquifer://."""

    def __init__(self):
        super().__init__(_SCHEME)

    def can_parse(self, url):
        """Whether an address is of this kind, or names the plug-in."""
        return url.startswith((_SCHEME, "plugin://aquifer"))

    def create_connector(self, context):
        """A connector for LMCache's ConnectorContext. ValueError for a bad address or option."""
        return AquiferConnector(
            context.url,
            context.loop,
            context.local_cpu_backend,
            context.config,
            getattr(context, "metadata", None),
        )


class AquiferConnector(RemoteConnector):
    """LMCache's remote connector over a pool. A chunk is one object.

    Nothing raises after the start: what the pool cannot do is a miss, and a line in the log. A call
    that LMCache gives up ends when it no longer touches the chunk's memory, at the latest after
    `timeout`. The methods that wait without `await` may be called from any thread.
    """

    def __init__(self, url, loop, local_cpu_backend, config=None, metadata=None):
        try:
            super().__init__(config, metadata)
        except TypeError:  # older versions keep nothing of these
            super().__init__()
        options = _options(url, config)
        self.loop = loop
        self.local_cpu_backend = local_cpu_backend
        self.complaints = Complaints(logging.getLogger(__name__))
        self._prefix = f"lmcache:{options.tag}:" if options.tag else "lmcache:"
        self._replicas = options.replicas
        self._async = options.client(aquifer.AsyncClient)
        # The same client for both, so that a get finds what a look-up of either kind has learned.
        self._client = self._async.client

    # One chunk.

    async def exists(self, key):
        """Whether the pool has a chunk."""
        return await self._async.exists(self._name(key))

    def exists_sync(self, key):
        """The same, without await."""
        return self._client.exists(self._name(key))

    async def get(self, key):
        """A chunk in memory of LMCache's, or None."""
        return (await self.batched_get([key]))[0]

    async def put(self, key, memory_obj):
        """Stores a chunk. One that is there already stays as it is."""
        await self.batched_put([key], [memory_obj])

    def remove_sync(self, key):
        """Removes a chunk; whether it was there."""
        return self._client.remove(self._name(key)) in (aquifer.Status.OK, aquifer.Status.PENDING)

    # Many chunks.

    def support_batched_get(self):
        return True

    def support_batched_put(self):
        return True

    def support_batched_contains(self):
        return True

    def support_batched_async_contains(self):
        return True

    def support_batched_get_non_blocking(self):
        return True

    async def batched_get(self, keys):
        """The chunks in memory of LMCache's, or None for each."""
        chunks = [None] * len(keys)
        try:
            await self._read([self._name(key) for key in keys], chunks)
        except Exception as error:
            self.complaints.report("get: %s", error, trace=True)
            return [None] * len(keys)
        return chunks

    async def batched_get_non_blocking(self, lookup_id, keys):
        """The leading chunks that could be read."""
        chunks = await self.batched_get(keys)
        good = next((i for i, chunk in enumerate(chunks) if chunk is None), len(chunks))
        for chunk in chunks[good:]:
            if chunk is not None:
                chunk.ref_count_down()
        return chunks[:good]

    async def batched_put(self, keys, memory_objs):
        """Stores chunks, with at most two calls to meta."""
        if not keys:
            return
        try:
            values = [[Chunk.of(one).header(), one.byte_array] for one in memory_objs]
            names = [self._name(key) for key in keys]
            answers = await self._async.put_batch(names, values, replicas=self._replicas)
        except Exception as error:
            self.complaints.report("put: %s", error, trace=True)
            return
        bad = [answer.name for answer in answers if not answer.ok]
        if bad:
            self._complain("stored", len(bad), len(keys), bad[0])

    def batched_contains(self, keys):
        """How many leading chunks the pool has, by one call to meta. A get of them soon after
        needs no other."""
        return self._client.match_prefix([self._name(key) for key in keys]) if keys else 0

    async def batched_async_contains(self, lookup_id, keys, pin=False):
        """The same with await. Chunks are not pinned: a miss later on is a miss."""
        if not keys:
            return 0
        return await self._async.match_prefix([self._name(key) for key in keys])

    # The rest.

    async def list(self):
        """LMCache's keys of all chunks, as text."""
        keys = self._async.iter_keys(self._prefix)
        return [key[len(self._prefix) :] async for key in keys if isinstance(key, str)]

    def support_ping(self):
        return True

    async def ping(self):
        """0 when the pool answers, else another number."""
        return 0 if await self._async.status() else int(aquifer.Status.UNREACHABLE)

    async def close(self):
        """Ends the connections; calls answer as if the pool were empty from then on."""
        await self._async.aclose()

    def _name(self, key):
        text = key if isinstance(key, str) else key.to_string()
        return self._prefix + shortened(text, _KEY_BYTES_MAX)

    def _complain(self, what, count, of, why):
        text = "%d of %d chunks not %s: %s: %s"
        self.complaints.report(text, count, of, what, why, self._async.last_error())

    def _parsed(self, head):
        try:
            return Chunk.read(head)
        except ValueError as error:
            self.complaints.report("get: %s", error)
            return None

    async def _read(self, names, chunks):
        """Fills `chunks` with what was read; gives back the memory of what was not."""
        count = len(names)
        heads = await self._async.get_range_batch(names, [0] * count, [HEADER_BYTES_MAX] * count)
        wanted = []
        try:
            for i, head in enumerate(heads):
                about = None if head is None else self._parsed(head)
                memory = about and about.allocate(self.local_cpu_backend)
                if memory is not None:
                    wanted.append((i, about, memory))
            sizes = []
            if wanted:
                sizes = await self._async.get_range_into_batch(
                    [names[i] for i, _, _ in wanted],
                    [about.offset for _, about, _ in wanted],
                    [memory.byte_array[: about.size] for _, about, memory in wanted],
                )
            for (i, about, memory), size in zip(wanted, sizes):
                if size == about.size:
                    chunks[i] = memory
        finally:
            for i, _, memory in wanted:
                if chunks[i] is not memory:
                    memory.ref_count_down()


def _options(url, config):
    """The options of an address and of LMCache's extra_config; those of the address win."""
    parts = urlsplit(url)
    extra = getattr(config, "extra_config", None) or {}
    settings = {
        name[len(_EXTRA) :]: value for name, value in extra.items() if name.startswith(_EXTRA)
    }
    settings.update(parse_qsl(parts.query))
    if parts.scheme == "aquifer" and parts.netloc:
        settings["meta"] = f"tcp://{parts.netloc}"
    return Options.read(settings, timeout=1.0)

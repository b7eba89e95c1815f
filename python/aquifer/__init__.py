"""Aquifer: a shared pool of KV-cache memory for LLM inference.

A Client puts immutable values under keys into a pool and reads them back, verified; a Pool is a
whole pool inside this process. Importing starts nothing: no thread, no socket, no signal handler.
"""

from ._aquifer import Client, Pool, Status, __version__

__all__ = ["Client", "Pool", "Status", "__version__"]

"""Plug-ins with which inference engines keep their KV cache in the pool.

    sglang     a storage backend of SGLang's HiCache
    vllm       a KV connector of vLLM
    lmcache    a remote connector of LMCache
    mindie     a mempool of MindIE-LLM

Each is loaded by its engine's own option, needs no change to the engine, and says in its docstring
how. Importing one imports its engine only when that is installed. No plug-in lets a pool that is
in trouble become the trouble of the engine: what cannot be read is a miss and is computed again.
"""

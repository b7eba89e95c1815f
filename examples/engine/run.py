"""Serves a prompt without the pool, with an empty one and with a full one, and compares.

    aquifer solo                            in one terminal
    python examples/engine/run.py           in another
"""

import argparse
import os
import sys
from dataclasses import dataclass

# Before numpy is imported: more threads gain little here, and lose much on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402
from engine import Answer, Engine  # noqa: E402
from model import Model, Shape  # noqa: E402
from paged_cache import PAGE_TOKENS  # noqa: E402

import aquifer  # noqa: E402


@dataclass
class Row:
    """A request, and the same one served without the pool."""

    name: str
    answer: Answer
    without: Answer


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--meta", help="address of the pool (default: AQUIFER_META, or tcp://127.0.0.1:5000)"
    )
    parser.add_argument("--prompt-tokens", type=int, default=2048)
    parser.add_argument("--new-tokens", type=int, default=16)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--heads", type=int, default=8, help="of 64 numbers each")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="begin with the pages that an earlier run has left, and leave them there",
    )
    given = parser.parse_args()
    if min(given.prompt_tokens, given.new_tokens, given.layers, given.heads) < 1:
        parser.error("all numbers must be at least 1")
    return given


def prompts(shape, count):
    """A prompt, and another one that has its first three quarters in common with it."""
    random = np.random.default_rng(7)
    first = random.integers(0, shape.vocabulary, count)
    second = first.copy()
    second[count * 3 // 4 :] = random.integers(0, shape.vocabulary, count - count * 3 // 4)
    return first, second


def requests(given, pool):
    """Serves all requests, each in a new engine whose own cache is empty."""
    model = Model(Shape(layers=given.layers, heads=given.heads))
    pages = -(-(given.prompt_tokens + given.new_tokens) // PAGE_TOKENS)

    def serve(prompt, pool=None):
        engine = Engine(model, pages, pool)
        answer = engine.generate(prompt, given.new_tokens)
        engine.close()
        return answer

    first, second = prompts(model.shape, given.prompt_tokens)
    serve(first[: 4 * PAGE_TOKENS])  # wakes the processor up
    store = Engine(model, 1, pool).store
    if not given.keep:
        store.clear()
    base = serve(first)
    yield Row("no pool", base, base)
    yield Row("pool, as it is" if given.keep else "pool, empty", serve(first, pool), base)
    yield Row("pool, the same prompt again", serve(first, pool), base)
    base = serve(second)
    yield Row("no pool, another end", base, base)
    yield Row("pool, another end", serve(second, pool), base)
    if not given.keep:
        store.clear()


def show(row):
    answer, without = row.answer, row.without
    print(
        f"{row.name:28} {answer.pages_loaded:8} {answer.pages_computed:9}"
        f" {answer.first_token_seconds * 1e3:9.0f} ms"
        f" {without.first_token_seconds / answer.first_token_seconds:6.1f}x"
        f" {answer.store_seconds * 1e3:9.1f} ms",
        flush=True,
    )


def main():
    given = arguments()
    with aquifer.Client(given.meta) as client:
        if not client.status():
            sys.exit(f"No pool (start one with: aquifer solo). {client.last_error()}")
    titles = ("request", "loaded", "computed", "first token", "faster", "to store")
    print("{:28} {:>8} {:>9} {:>12} {:>7} {:>12}".format(*titles))
    same = True
    for row in requests(given, {"meta": given.meta}):
        show(row)
        same = same and row.answer.tokens == row.without.tokens
    are = "are" if same else "are NOT"
    print(f"\nA page has {PAGE_TOKENS} tokens. The answers with the pool {are} those without it.")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

"""The examples of the repository run, against a pool of their own, and print what they should."""

import os
import pathlib
import re

import pytest

import aquifer

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples" / "python"

PRINTED = {
    "scattered_block.py": r"8994816 bytes from 122 places into 122 others, equal: True\n",
    "prefix_reuse.py": (
        r"prompt 0: 13 blocks, 0 loaded\n(prompt [123]: 13 blocks, 10 loaded\n){3}"
    ),
    "layerwise.py": (
        r"committed 524288 bytes in 8 writes\n(layer [507]: 65536 bytes, equal: True\n){3}"
    ),
    "zero_copy_view.py": (
        r"4000000 bytes in \d+ piece\(s\), a copy: False\nsum 499999500000, expected 499999500000\n"
    ),
    "asyncio_client.py": r"wave 0: .*\nwave 1: {'loaded': 16}\n4 keys, 4 removed\n",
    "embedded_pool.py": (
        r"other processes .* tcp://127.0.0.1:\d+\n"
        r"\d+ objects, \d+ evicted to make room\nthe pinned one: b'kept'\n"
    ),
}


def test_every_example_is_run():
    assert {path.name for path in EXAMPLES.glob("*.py")} == set(PRINTED)


@pytest.mark.parametrize("name", PRINTED)
def test_an_example_prints_what_it_should(run_python, name):
    script = f"import runpy; runpy.run_path({str(EXAMPLES / name)!r}, run_name='__main__')"
    with aquifer.Pool("64MiB") as pool:
        printed = run_python(script, env={**os.environ, "AQUIFER_META": pool.meta})
        with pool.client() as client:
            assert client.status()["objects"] == 0
    assert re.fullmatch(PRINTED[name], printed), printed

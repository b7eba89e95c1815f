"""The example engine generates the same tokens whatever the pool has, does or suffers."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
from integration_setup import ROOT, eventually
from engine import Engine
from model import Model, Shape
from paged_cache import PAGE_TOKENS

import aquifer

SHAPE = Shape(layers=2, heads=2, head_width=16, vocabulary=512)
PAGES = 12
TOKENS = 16
PROMPT = np.random.default_rng(1).integers(0, SHAPE.vocabulary, PAGES * PAGE_TOKENS + 17)


@pytest.fixture(scope="module")
def model():
    return Model(SHAPE)


@pytest.fixture(scope="module")
def expected(model):
    """The tokens without any pool."""
    return Engine(model, PAGES + 1).generate(PROMPT, TOKENS).tokens


def ask(model, pool, prompt=PROMPT):
    """What a new engine answers, whose own cache is empty: tokens, and the pages it loaded."""
    engine = Engine(model, PAGES + 1, pool)
    engine.cache.kv_buffer[...] = np.nan  # what nobody has written must not be read
    answer = engine.generate(prompt, TOKENS)
    engine.close()
    return answer.tokens, answer.pages_loaded


@pytest.mark.parametrize("page", range(PAGES))
def test_the_tokens_depend_on_every_page(model, expected, page):
    other = PROMPT.copy()
    place = slice(page * PAGE_TOKENS, (page + 1) * PAGE_TOKENS)
    other[place] = np.random.default_rng(page).integers(0, SHAPE.vocabulary, PAGE_TOKENS)
    assert Engine(model, PAGES + 1).generate(other, TOKENS).tokens != expected


def test_cold_and_warm(model, expected, options):
    assert ask(model, options) == (expected, 0)
    assert ask(model, options) == (expected, PAGES)


def test_a_prompt_of_whole_pages_computes_its_last_one(model, options):
    prompt = PROMPT[: 3 * PAGE_TOKENS]
    cold, warm = ask(model, options, prompt), ask(model, options, prompt)
    assert (cold[1], warm[1]) == (0, 2)
    assert cold[0] == warm[0]


def test_a_prompt_with_another_end_loads_the_common_pages(model, options):
    other = PROMPT.copy()
    other[5 * PAGE_TOKENS:] = 3
    alone = Engine(model, PAGES + 1).generate(other, TOKENS).tokens
    ask(model, options)
    assert ask(model, options, other) == (alone, 5)


def test_a_page_that_is_gone_is_computed_again(model, expected, options, client):
    ask(model, options)
    keys = sorted(key for key in client.iter_keys())
    client.remove_batch(keys[::2])
    tokens, loaded = ask(model, options)
    assert tokens == expected and loaded < PAGES
    assert ask(model, options) == (expected, PAGES)


def test_half_evicted(model, expected):
    with aquifer.Pool("4MiB") as small, small.client() as client:
        pool = {"meta": small.meta}
        ask(model, pool)
        ours = {key for key in client.iter_keys()}
        assert len(ours) == PAGES
        for number in range(1000):
            client.put(f"other{number}", bytes(100_000))
            left = sum(client.exists_batch(list(ours)))
            if left <= PAGES // 2:
                break
        assert 0 < left <= PAGES // 2
        assert ask(model, pool)[0] == expected
        assert ask(model, pool) == (expected, PAGES)


def test_a_node_that_is_killed_and_started_again(model, expected, processes):
    meta = processes.meta("--node-grace", "2s")
    node = processes.node()
    meta.expect_warning("")
    pool = {"meta": processes.meta_address, "timeout": 2}
    live = Engine(model, PAGES + 1, pool)
    assert live.generate(PROMPT, TOKENS).tokens == expected
    node.kill()
    assert live.generate(PROMPT, TOKENS).tokens == expected
    assert ask(model, pool)[0] == expected
    processes.node()
    for _ in range(2):
        answer = live.generate(PROMPT, TOKENS)
        assert answer.tokens == expected
    assert answer.pages_loaded == PAGES
    live.close()


def test_a_meta_that_is_killed_and_started_again(model, expected, processes):
    meta = processes.meta()
    processes.node().expect_warning("")
    pool = {"meta": processes.meta_address, "timeout": 2}
    live = Engine(model, PAGES + 1, pool)
    assert live.generate(PROMPT, TOKENS).tokens == expected
    meta.kill()
    assert live.generate(PROMPT, TOKENS).tokens == expected
    assert ask(model, pool) == (expected, 0)
    again = processes.meta(listen=pool["meta"])
    again.expect_warning("")
    with aquifer.Client(pool["meta"]) as client:
        eventually(lambda: client.status().get("objects") == PAGES)
    assert ask(model, pool) == (expected, PAGES)
    assert live.generate(PROMPT, TOKENS).tokens == expected
    live.close()


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from engine import Engine
from model import Model, Shape
model = Model(Shape(layers=2, heads=2, head_width=16, vocabulary=512))
prompt = np.random.default_rng(1).integers(0, 512, int(sys.argv[3]))
engine = Engine(model, 14, {"meta": sys.argv[2]})
for _ in range(3):
    answer = engine.generate(prompt, 16)
    print(*answer.tokens, "loaded", answer.pages_loaded)
"""


def test_two_processes_share_the_pool(expected, processes):
    processes.solo()
    command = [sys.executable, "-c", SCRIPT, str(ROOT / "examples" / "engine"),
               processes.meta_address, str(len(PROMPT))]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lines = [one.communicate(timeout=60)[0].splitlines() for one in both]
    words = " ".join(map(str, expected))
    for its in lines:
        assert [line.rpartition(" loaded ")[0] for line in its] == [words] * 3
        assert its[-1].endswith(f"loaded {PAGES}")


def test_the_program_prints_its_table(processes):
    processes.solo()
    command = [sys.executable, str(ROOT / "examples" / "engine" / "run.py"), "--prompt-tokens",
               "256", "--new-tokens", "4", "--layers", "2", "--heads", "2"]
    environment = {**os.environ, "AQUIFER_META": processes.meta_address}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment,
                          check=False)
    assert (done.returncode, done.stderr) == (0, ""), done
    loaded = re.findall(r"^(no pool|pool)\b\D*(\d+)\s+(\d+) ", done.stdout, re.MULTILINE)
    assert loaded == [("no pool", "0", "4"), ("pool", "0", "4"), ("pool", "3", "1"),
                      ("no pool", "0", "4"), ("pool", "3", "1")]
    assert "The answers with the pool are those without it" in done.stdout
    processes.servers[0].stop()
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment,
                          check=False)
    assert done.returncode == 1 and "aquifer solo" in done.stderr

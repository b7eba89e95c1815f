"""What the plug-ins share, and what importing them does."""

import ast
import logging
import subprocess
import sys

import numpy as np
import pytest
from integration_setup import ROOT

from aquifer.integrations._shared import (
    Complaints,
    Options,
    Places,
    Store,
    cut,
    model_prefix,
    never_raises,
    shortened,
    type_name,
)

FOLDER = ROOT / "python" / "aquifer" / "integrations"


def test_options_take_what_is_theirs():
    given = {"meta": "tcp://h:1", "timeout": "2.5", "replicas": 2, "other": "x", "zone": None}
    options = Options.read(given)
    assert (options.meta, options.timeout, options.replicas) == ("tcp://h:1", 2.5, 2)
    assert (options.zone, options.namespace) == (None, "default")
    assert Options.read(None, timeout=1.0) == Options(timeout=1.0)
    with pytest.raises(ValueError, match="bad value 'x' for replicas: expected int"):
        Options.read({"replicas": "x"})


def test_the_environment_names_the_meta(pool, monkeypatch):
    monkeypatch.setenv("AQUIFER_META", pool.meta)
    store = Store(Options.read({"namespace": "environment"}), logging.getLogger("test"))
    value = np.arange(10)
    assert store.write(["a"], Places.of_tensors([value])) == [True]
    assert store.present(["a", "b"]) == [True, False]
    assert store.remove("a") is True
    store.close()
    assert store.remove("a") is False


def test_an_object_of_another_size_is_not_read(options):
    store = Store(Options.read(options), logging.getLogger("test"))
    store.write(["a"], Places.of_tensors([np.arange(10)]))
    for wrong in (9, 11):
        assert store.read(["a"], Places.of_tensors([np.zeros(wrong, int)])) == [False]
    both = [np.zeros(10, int), np.zeros(10, int)]
    assert store.read(["a", "b"], Places.of_tensors(both)) == [True, False]
    assert store.traffic()["read"]["done"] == 1
    assert store.traffic()["read"]["not_done"] == 3
    assert (store.leading([]), store.present([]), store.read([], None)) == (0, [], [])


def test_names_stay_apart_however_long():
    assert model_prefix("e", "org/model", "t") == "e:t:org/model:"
    assert model_prefix("e", None) == "e:model:"
    assert model_prefix("e", "b:c", "a") != model_prefix("e", "c", "a:b")
    long = ["/path" * 100 + end for end in ("a", "b")]
    assert shortened(long[0], 200) != shortened(long[1], 200)
    assert all(len(shortened(name, 200).encode()) <= 200 for name in (*long, "ä" * 300))
    assert type_name("torch.bfloat16") == type_name("bfloat16") == "bfloat16"
    assert type_name(np.dtype(np.float16)) == "float16"


def test_what_cannot_be_cut_evenly_is_refused():
    assert cut([1, 2, 3, 4], 2) == [[1, 2], [3, 4]]
    for items, count in (([1, 2, 3], 2), ([], 1)):
        with pytest.raises(ValueError, match="for"):
            cut(items, count)


def test_complaints_do_not_fill_the_log(caplog):
    complaints = Complaints(logging.getLogger("test"))
    for i in range(100):
        complaints.report("trouble %d", i)
    assert [record.getMessage() for record in caplog.records] == ["trouble 0"]
    complaints._next = 0
    complaints.report("trouble again")
    assert "99 warnings before" in caplog.text


def test_an_exception_becomes_the_answer_and_a_line_in_the_log(caplog):
    class Thing:
        complaints = Complaints(logging.getLogger("test"))

        @never_raises(lambda keys: [False] * len(keys))
        def divide(self, keys):
            return [1 // key for key in keys]

    assert Thing().divide([1, 1]) == [1, 1]
    assert Thing().divide([1, 0]) == [False, False]
    assert "divide: integer division" in caplog.text


@pytest.mark.parametrize("name", ["sglang", "vllm", "lmcache", "mindie"])
def test_importing_brings_no_engine_and_no_thread(name):
    script = f"""
import sys, threading
import aquifer.integrations.{name}
heavy = {{"torch", "numpy", "sglang", "vllm", "lmcache", "mindie_llm"}} & set(sys.modules)
assert not heavy, heavy
assert threading.active_count() == 1
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_files_are_python_3_9():
    files = [*FOLDER.glob("*.py"), *(ROOT / "examples" / "engine").glob("*.py")]
    assert len(files) > 10
    for file in files:
        ast.parse(file.read_text(), file.name, feature_version=(3, 9))

"""`aquifer pressure` as a user runs it, on small pools: how fast is not looked at, only that nothing is refused or
wrong, that space adds up, and that the report has the documented form."""

import json

import pytest

MIB = 1 << 20
BLOCK_BYTES = 8784 * 1024
PHASES = ("empty", "filling", "full")
NAMES = {"utilisation", "refused", "wrong", "limbo", "unaccounted",
         *(f"put.{phase}{end}" for phase in PHASES for end in ("", ".p99"))}


def pressure(processes, *arguments, code=0):
    """Runs it; its JSON and what it printed."""
    path = processes.folder / "pressure.json"
    answer = processes.run("pressure", *arguments, "--json", path, code=code)
    return json.loads(path.read_text()), answer


@pytest.mark.parametrize("transport", ["shm", "tcp"])
@pytest.mark.parametrize("objects", ["block", "random"])
def test_a_pool_goes_on_accepting_through_three_times_its_size(processes, transport, objects):
    results, answer = pressure(processes, "--size", "96MiB", "--objects", objects, "--transport",
                               transport, "--writers", "3", "--readers", "2")
    rows = {row["name"]: row for row in results["rows"]}
    assert set(rows) == {f"pressure.{objects}.{name}" for name in NAMES}
    assert all(row["verified"] for row in rows.values())
    for name in ("refused", "wrong", "limbo", "unaccounted"):
        assert rows[f"pressure.{objects}.{name}"]["value"] == 0
        assert rows[f"pressure.{objects}.{name}"]["met"] is True
    used = rows[f"pressure.{objects}.utilisation"]
    assert used["reference"] == 96 * MIB and 0.5 < used["ratio"] < 1
    assert used["target"] is None, "nothing is promised for a pool this small"
    moved = sum(rows[f"pressure.{objects}.put.{phase}"]["moved_bytes"] for phase in PHASES)
    assert moved >= 3 * 96 * MIB
    assert rows[f"pressure.{objects}.put.full"]["value"] > 0
    assert rows[f"pressure.{objects}.wrong"]["reference"] > 0, "nothing was read"
    assert answer.text.count(" = capacity 100663296") == 2 and answer.errors == ""
    assert processes.run("pressure", "--help").text.count("--json") == 1


def test_a_planted_wrong_byte_is_noticed(processes):
    results, answer = pressure(processes, "--size", "64MiB", "--objects", "block", "--times", "1",
                               "--plant-wrong-byte", code=5)
    assert not any(row["verified"] for row in results["rows"])
    assert "wrong byte at" in answer.text and "NOT RIGHT" in answer.text
    assert "plant" not in processes.run("pressure", "--help").text


@pytest.mark.parametrize("words", [("--size", "1MiB"), ("--times", "0"), ("--writers", "0"),
                                   ("--objects", "none"), ("surplus",)])
def test_what_cannot_be_measured_is_refused(processes, words):
    assert processes.run("pressure", *words, code=2).errors.startswith("aquifer pressure: ")


def test_a_machine_without_enough_memory_is_said(processes):
    answer = processes.run("pressure", "--size", "8TiB", code=5)
    assert "available" in answer.errors and "--size" in answer.errors

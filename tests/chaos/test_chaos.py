"""`./dev chaos` in short, so that it does not rot, and with each fault planted that it is there to find."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHAOS = Path(__file__).with_name("chaos.py")
SMALL = ("--keys", "120", "--size-max", "65536", "--dram", "64MiB", "--rate", "80")
PLANTED = {"wrong-byte": "wrong_bytes", "wrong-version": "wrong_version", "safe-miss": "safe_miss",
           "late": "late", "unexpected-end": "unexpected_end", "not-back": "not_back",
           "idle": "idle", "damage": "damage", "removed-is-back": "removed_is_back",
           "leftover": "leftovers"}


@pytest.fixture
def chaos(tmp_path):
    """Runs it; answers its JSON and its exit status. What it printed is shown when the test fails."""
    def run(*arguments):
        results = tmp_path / "chaos.json"
        done = subprocess.run([sys.executable, CHAOS, *SMALL, "--json", results, *arguments],
                              capture_output=True, text=True, timeout=150, check=False)
        print(done.stdout + done.stderr)
        assert results.exists(), done.returncode
        return json.loads(results.read_text()), done.returncode
    return run


def verdicts(results):
    return {name: check["verdict"] for name, check in results["checks"].items()}


def test_a_short_run_with_events_reads_no_wrong_byte_and_leaves_nothing(chaos):
    results, code = chaos("--seconds", "8", "--pause", "0.6", "--seed", "7")
    assert code == 0
    assert len(results["events"]) > 3
    for event in results["events"]:
        assert set(event["outages"]) == {"put", "get", "look-up"}
    assert all(verdict == "ok" for verdict in verdicts(results).values())


def test_every_planted_fault_is_found(chaos):
    results, code = chaos("--seconds", "4", "--events", "none", "--patience", "2",
                          *(f"--plant={name}" for name in ("loss", *PLANTED)))
    assert code == 1
    failed = {name for name, verdict in verdicts(results).items() if verdict == "FAILED"}
    assert failed == {"lost_1", "lost_2", *PLANTED.values()}


def test_without_events_nothing_is_found(chaos):
    results, code = chaos("--seconds", "2", "--events", "none")
    assert code == 0 and set(verdicts(results).values()) == {"ok"}


def test_a_pool_that_is_too_small_makes_losses_uncertain(chaos):
    results, code = chaos("--seconds", "2", "--events", "none", "--dram", "1MiB")
    assert code == 1 and verdicts(results)["evictions"] == "FAILED"

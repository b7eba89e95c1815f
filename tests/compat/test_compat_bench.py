"""The benchmark of the compat packages works; how fast it was is not looked at."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench" / "compat.py"


def test_the_benchmark_measures_every_row(tmp_path):
    report, chart = tmp_path / "report.json", tmp_path / "chart.svg"
    done = subprocess.run(
        [sys.executable, str(BENCH), "--rounds", "1", "--times", "2", "--json", str(report), "--svg",
         str(chart)], capture_output=True, text=True, timeout=300, env=dict(os.environ))
    assert done.returncode in (0, 1), done.stderr  # 1: above the target, as so few calls may be
    rows = json.loads(report.read_text())["rows"]
    assert len(rows) == 16 and all(row["ratio"] > 0 for row in rows)
    assert chart.read_text().startswith("<?xml") and "target" in done.stdout

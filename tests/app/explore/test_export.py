"""What is taken along: plain JSON, and Python that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from app.explore.tabs import export
from lambda_core.studies.study import Study


def test_json_is_plain_even_for_no_adaptation(study: Study, table: pd.DataFrame) -> None:
    still = table[table["steps"] == 0].iloc[0]
    facts = json.loads(export.as_json(study, still, 1.0, 0.95))
    assert facts["speed_up"] is None
    assert facts["pattern"] == "00000"


@pytest.mark.slow
def test_the_snippet_runs(study: Study, studies: Path, images: Path, tmp_path: Path) -> None:
    code = export.as_python(study, "00011", 3, study.config.lr, "conv4 and head")
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, cwd=tmp_path,
        env={"LAMBDA_STUDIES": str(studies), "LAMBDA_DATA": str(images), "PATH": "", "OMP_NUM_THREADS": "1",
             "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.endswith("of 75 queries right\n")

"""What copies used, as a file beside a trace: written, read, and what is wrong is told."""

from pathlib import Path

import pytest

from icscaler_sim.traces import (
    MeasuredUse,
    TraceError,
    read_usage,
    usage_file_beside,
    write_usage,
)

CPUS = MeasuredUse("a", "cpus", 8.0, 12.5, 30.0, 41.25, 86_400)
MEMORY = MeasuredUse("a", "memory_mb", None, 50.0, 51.0, 52.0, 3600)
HEAD = "model,resource,reserved,mean_percent,p99_percent,most_percent,measured_s\n"


def test_what_is_written_is_read_and_found_beside_its_trace(tmp_path: Path) -> None:
    trace, file = tmp_path / "history_60s.csv.gz", tmp_path / "history_usage.csv"
    assert usage_file_beside(trace) is None
    write_usage(file, [CPUS, MEMORY])
    assert file.read_text().startswith(HEAD)
    assert usage_file_beside(trace) == file
    assert read_usage(file) == {"a": {"cpus": CPUS, "memory_mb": MEMORY}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("model,resource\n", "usage.csv:1: missing columns 'reserved'"),
        (HEAD + "a,disk,1,1,1,1,60\n", "usage.csv:2: column 'resource': there is no 'disk'"),
        (HEAD + "a,cpus,1,much,1,1,60\n", "column 'mean_percent': 'much' is not a number"),
        (HEAD + "a,cpus,1,1,1,-1,60\n", "column 'most_percent': '-1' is no amount"),
        (HEAD + "a,cpus,1,1,1,nan,60\n", "'nan' is no amount"),
        (
            HEAD + "a,cpus,,1,1,1,60\na,cpus,,1,1,1,60\n",
            "usage.csv:3: column 'resource': cpus of a",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "usage.csv"
    file.write_text(text)
    with pytest.raises(TraceError) as caught:
        read_usage(file)
    assert said in str(caught.value)

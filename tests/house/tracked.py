"""What may be in the repository: rules over the names and contents of tracked files.

`faults(path, content, private)` names every breach in one file; it reads nothing but its arguments.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

MAX_BYTES = 2_000_000
# A handful of rows shows a format; more than this is somebody's data.
MAX_TRACE_ROWS = 200
TRACE_NAMES = re.compile(
    r"(servegen|azure20\d\d|mooncake|burstgpt)[^/]*\.(csv|jsonl?|parquet)\b", re.I
)
TRACE_HEADERS = (
    b"model,t_start_s,requests",
    b"t_s,model,input_tokens",
    b"TIMESTAMP,ContextTokens",
)
# Locks and documents name packages, never the index they came from: that is each machine's setting.
REGISTRIES = re.compile(
    rb"pypi\.org/|pythonhosted\.org|registry\.npmjs\.org|registry\.yarnpkg\.com|deb\.debian\.org"
    rb"|^\s*--(extra-)?index-url|^\s*--find-links|\"resolved\":",
    re.M,
)
HOME_FOLDERS = re.compile(rb"(?<![\w.$}/])/(home|Users)/[a-z][\w.-]*/|(?<![\w.$}/])/root/[\w.]")
FORBIDDEN_NAMES = {
    "uv.lock": "records index addresses; requirements.lock is the lock",
    ".DS_Store": "is a desktop's litter",
}
GENERATED = re.compile(
    r"(^|/)(build|dist|\.venv[^/]*|\.aws-sam|__pycache__|node_modules|\.[a-z]+_cache|\.hypothesis)/"
    r"|\.(pyc|egg-info)$"
)


def faults(path: str, content: bytes, private: Iterable[str] = ()) -> list[str]:
    """Every breach in a tracked file; `private` are folders of the machine that runs the check."""
    return [f"{path} {what}" for what in _faults(path, content, private)]


def _faults(path: str, content: bytes, private: Iterable[str]) -> Iterator[str]:
    name = PurePosixPath(path).name
    if name in FORBIDDEN_NAMES:
        yield FORBIDDEN_NAMES[name]
    if GENERATED.search(path):
        yield "is generated: it belongs in .gitignore"
    if len(content) > MAX_BYTES:
        yield f"has {len(content)} bytes, over {MAX_BYTES}"
    if TRACE_NAMES.search(path) or (
        content.startswith(TRACE_HEADERS) and content.count(b"\n") > MAX_TRACE_ROWS
    ):
        yield "is recorded traffic: it stays outside, ICSCALER_TRACES tells where"
    for pattern, what in ((REGISTRIES, "names an index"), (HOME_FOLDERS, "names a home folder")):
        if match := pattern.search(content):
            yield f"line {_line(content, match.start())}: {what}: {match.group().decode().strip()}"
    for folder in private:
        if (at := content.find(folder.encode())) >= 0:
            yield f"line {_line(content, at)}: names a folder of this machine"


def _line(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1

"""Which code decides: a digest of the sources of all modules that `decide` consists of.

A version number would not do: what matters for computing a decision again is whether a single line
of the decision is another.
"""

from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import PurePosixPath

# Modules and packages of the core; a test compares them with what `decide` imports.
MODULES = (
    "allocate",
    "bounds",
    "decide",
    "demand",
    "entities",
    "gpu_ceilings",
    "groups",
    "guards",
    "learned",
    "limits",
    "managed_scaling",
    "notices",
    "ownership",
    "packing",
    "policies",
    "reasons",
    "resting",
    "schedules",
    "variants",
    "verdicts",
)


@cache
def core_version() -> str:
    """Sixteen hexadecimal digits; read once per process."""
    digest = sha256()
    for name, text in sorted(_sources().items()):
        digest.update(f"{name}\n{text}\n".encode())
    return digest.hexdigest()[:16]


def _sources() -> dict[str, str]:
    """Source text by path inside the package."""
    found: dict[str, str] = {}
    places = [(PurePosixPath(""), resources.files("icscaler"))]
    while places:
        path, folder = places.pop()
        for each in folder.iterdir():
            inside = path / each.name
            if inside.parts[0].removesuffix(".py") not in MODULES:
                continue
            if each.is_dir():
                places.append((inside, each))
            elif each.name.endswith(".py"):
                found[str(inside)] = each.read_text("utf-8")
    return found

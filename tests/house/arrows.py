"""The import rules of the project, checked on syntax trees: which way the arrows point.

Inside `icscaler` a module imports only modules of its own tier or an earlier one (`TIERS`). The
decision core imports nothing but the standard library, and of that nothing that reads a clock, a
random source, the environment or a log. The simulator knows the core, the local cloud knows the
simulator but no decision, a function knows no other function.

`faults(source, path)` names every breach in one file; it reads nothing but its arguments.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import PurePosixPath

Fault = tuple[int, str]

# Modules of `icscaler`, innermost first. A new module is given its place here.
TIERS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "collecting",
            "entities",
            "gpu_ceilings",
            "learned",
            "managed_scaling",
            "reasons",
            "schedules",
        }
    ),
    frozenset({"bases", "bounds", "policies", "packing", "limits", "alarm_plan", "variants"}),
    frozenset(
        {
            "ownership",
            "guards",
            "demand",
            "groups",
            "allocate",
            "notices",
            "invariants",
            "resting",
            "verdicts",
        }
    ),
    frozenset({"decide", "rollout"}),
    frozenset({"ports"}),
    frozenset(
        {
            "observe",
            "overlays",
            "preview",
            "records",
            "switches",
            "dispatch",
            "reconcile",
            "keep_alarms",
            "rollout_steps",
            "lifecycle",
            "onboarding",
            "warm_up",
            "retirement",
        }
    ),
    frozenset({"adapters", "config"}),
    frozenset({"bootstrap", "client"}),
)
CORE = frozenset().union(*TIERS[:4])
DECISIONS = CORE - {"entities", "learned", "reasons", "schedules", "invariants"}
TIER_OF = {module: tier for tier, modules in enumerate(TIERS) for module in modules}

OURS = frozenset({"icscaler", "icscaler_sim", "icscaler_localcloud", "icscaler_cli", "functions"})
IMPURE_STDLIB = frozenset({"os", "logging", "random", "secrets", "time", "uuid", "socket"})
CLOCK_READS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today"})
# boto3 takes over half a second to import; a function that makes no call must not pay for it.
LAZY = frozenset({"boto3", "botocore"})
MAX_HANDLER_LINES = 15


def faults(source: str, path: str) -> list[str]:
    """Every breach in a file, as "path:line: what is wrong"; `path` is relative to the root."""
    tree = ast.parse(source)
    found = chain.from_iterable(rule(tree, path) for rule in _rules_for(path))
    return [f"{path}:{line}: {what}" for line, what in sorted(set(found))]


def _rules_for(path: str) -> list[Callable[[ast.Module, str], Iterator[Fault]]]:
    package = _package(path)
    if package == "icscaler":
        strictest = _core_is_pure if _own_module(path) in CORE else _boto3_is_lazy
        return [_tiers, _only_ours({"icscaler"}), strictest]
    if package == "icscaler_sim":
        return [_only_ours({"icscaler", "icscaler_sim"}), _icscaler_modules(CORE), _no_sdk]
    if package == "icscaler_localcloud":
        allowed = TIER_OF.keys() - DECISIONS
        return [
            _only_ours({"icscaler", "icscaler_sim", "icscaler_localcloud"}),
            _icscaler_modules(allowed),
        ]
    if package == "functions":
        return [_only_ours({"icscaler", "functions"}), _functions_apart, _thin_handler]
    return []


def imports(tree: ast.AST, path: str) -> Iterator[Fault]:
    """(line, dotted name) of every import, wherever it stands; `from a import b` is "a.b"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, path)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _called(node).endswith(("import_module", "__import__")):
            literals = [a.value for a in node.args[:1] if isinstance(a, ast.Constant)]
            yield from ((node.lineno, str(name)) for name in literals)


def _base(node: ast.ImportFrom, path: str) -> str:
    if not node.level:
        return node.module or ""
    parts = _dotted(path).split(".")
    if not path.endswith("__init__.py"):
        parts.pop()
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join([*parts, node.module] if node.module else parts)


def _dotted(path: str) -> str:
    """The name a file is imported by: "layers/core/icscaler/ports.py" is "icscaler.ports"."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    start = next((i for i, part in enumerate(parts) if part in OURS), 0)
    return ".".join(part for part in parts[start:] if part != "__init__")


def _package(path: str) -> str:
    return _dotted(path).split(".")[0]


def _own_module(path: str) -> str:
    """The module of `icscaler` a file belongs to: "policies" for icscaler/policies/x.py."""
    return [*_dotted(path).split("."), ""][1]


def _module_of(name: str) -> str | None:
    """The module of `icscaler` an imported name belongs to; None for another package's."""
    package, _, rest = name.partition(".")
    return rest.split(".")[0] or None if package == "icscaler" else None


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func)


def _tiers(tree: ast.Module, path: str) -> Iterator[Fault]:
    own = _own_module(path)
    if own and own not in TIER_OF:
        yield 1, f"icscaler.{own} has no tier: place it in tests/house/arrows.py"
        return
    for line, name in imports(tree, path):
        module = _module_of(name)
        if module in TIER_OF and (not own or TIER_OF[module] > TIER_OF[own]):
            yield line, f"icscaler.{own or '__init__'} is inside icscaler.{module}: no import of it"


def _core_is_pure(tree: ast.Module, path: str) -> Iterator[Fault]:
    for line, name in imports(tree, path):
        top = name.split(".")[0]
        if top in IMPURE_STDLIB:
            yield line, f"the decision core imports no {top}: what it needs is an argument"
        elif top not in sys.stdlib_module_names and top != "icscaler":
            yield line, f"the decision core imports only the standard library, not {top}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ".".join(_called(node).split(".")[-2:]) in CLOCK_READS:
            yield node.lineno, f"the decision core reads no clock: {_called(node)}()"


def _boto3_is_lazy(tree: ast.Module, path: str) -> Iterator[Fault]:
    at_import_time = ast.Module(body=[*_executed_at_import(tree.body)], type_ignores=[])
    for line, name in imports(at_import_time, path):
        if name.split(".")[0] in LAZY:
            yield line, f"{name.split('.')[0]} is imported inside functions only"


def _executed_at_import(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The simple statements that run when the module is imported, `if TYPE_CHECKING` left out."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _executed_at_import(node.orelse)
            continue
        inner = [getattr(node, part, []) for part in ("body", "orelse", "finalbody")]
        handlers = [handler.body for handler in getattr(node, "handlers", [])]
        if not any(inner):
            yield node
        for block in (*inner, *handlers):
            yield from _executed_at_import(block)


def _only_ours(allowed: set[str]) -> Callable[[ast.Module, str], Iterator[Fault]]:
    def rule(tree: ast.Module, path: str) -> Iterator[Fault]:
        for line, name in imports(tree, path):
            top = name.split(".")[0]
            if top in OURS - allowed:
                yield line, f"{_package(path)} never imports {top}"

    return rule


def _icscaler_modules(
    allowed: frozenset[str] | set[str],
) -> Callable[[ast.Module, str], Iterator[Fault]]:
    def rule(tree: ast.Module, path: str) -> Iterator[Fault]:
        for line, name in imports(tree, path):
            module = _module_of(name)
            if module in TIER_OF.keys() - allowed:
                yield line, f"{_package(path)} never imports icscaler.{module}"

    return rule


def _no_sdk(tree: ast.Module, path: str) -> Iterator[Fault]:
    for line, name in imports(tree, path):
        if name.split(".")[0] in LAZY | {"moto", "aws_lambda_powertools"}:
            yield line, f"{_package(path)} knows no AWS SDK: {name.split('.')[0]}"


def _functions_apart(tree: ast.Module, path: str) -> Iterator[Fault]:
    own = ".".join(_dotted(path).split(".")[:2])
    for line, name in imports(tree, path):
        if name.split(".")[0] == "functions" and ".".join(name.split(".")[:2]) != own:
            yield line, f"{own} never imports another function: {name}"


def _thin_handler(tree: ast.Module, path: str) -> Iterator[Fault]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == "lambda_handler":
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_HANDLER_LINES:
                yield node.lineno, f"lambda_handler has {lines} lines, at most {MAX_HANDLER_LINES}"

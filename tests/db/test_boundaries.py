"""All SQL lives in repositories, and every run that a person may see comes through one helper."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STATEMENTS = {"select", "insert", "update", "delete", "exists", "union", "lambda_stmt"}
SESSION_CALLS = {"get", "get_one", "query", "add", "add_all", "delete", "merge", "refresh"}
TABLES = {
    node.name
    for path in (ROOT / "db/models").glob("*.py")
    for node in ast.parse(path.read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def own_sql(source: str) -> Iterator[str]:
    """What in ``source`` speaks to the database without a repository."""
    tree = ast.parse(source)
    tables = TABLES - _named_elsewhere(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            yield from (f"imports {name.name}" for name in node.names if name.name in STATEMENTS)
        if isinstance(node, ast.Call):
            yield from _tables_used_by(node, tables)


def _named_elsewhere(tree: ast.Module) -> set[str]:
    """Names that mean something else here: of classes of the module's own, or from another one."""
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    return own | {
        name.asname or name.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and not f"{node.module}.".startswith("db.models.")
        for name in node.names
    }


def _tables_used_by(call: ast.Call, tables: set[str]) -> Iterator[str]:
    if isinstance(call.func, ast.Name) and call.func.id in tables:
        yield f"makes a {call.func.id}"
    if isinstance(call.func, ast.Attribute) and call.func.attr in SESSION_CALLS:
        for argument in call.args:
            if isinstance(argument, ast.Name) and argument.id in tables:
                yield f"{call.func.attr}s {argument.id}"


@pytest.mark.parametrize(
    "source",
    [
        "from sqlalchemy import select",
        "from sqlalchemy.dialects.postgresql import insert",
        "job = session.get(Job, job_id)",
        "session.query(User).all()",
        "session.add(Job(tool='cutout'))",
        "from db.models import Drawing\nDrawing(name='mask')",
    ],
)
def test_own_sql_is_noticed(source: str) -> None:
    assert list(own_sql(source))


def test_class_of_another_module_is_no_table() -> None:
    source = "from studio.imaging.drawing import Drawing\nDrawing(width_px=1, height_px=1)"
    assert not list(own_sql(source))


@pytest.mark.parametrize(
    "path",
    modules("app", "pages", "tasks", "studio"),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_module_outside_of_the_record_has_no_sql(path: Path) -> None:
    assert list(own_sql(path.read_text(encoding="utf-8"))) == []


SCOPED = {"jobs", "history", "blobs", "keeping", "past_runs", "submissions"}
UNSCOPED = {
    "timings": "names nobody",
    "find_runs": "its ids come from the helper",
    "purge_trash": "maintenance",
    "_lock_purgeable": "maintenance",
    "_due": "maintenance",
    "ancestors": "walks parents, then shows the visible ones",
    "_update": "its ids come from the helper",
    "_update_with_steps": "its ids come from the helper",
    "select_rows": "its ids come from the helper",
}


@pytest.mark.parametrize("name", sorted(SCOPED))
def test_repository_reads_runs_through_the_visibility_helper(name: str) -> None:
    tree = ast.parse((ROOT / f"db/repositories/{name}.py").read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        starts = {
            ast.unparse(call)
            for call in ast.walk(function)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in {"select", "update", "delete"}
            and any(_is_job(argument) for argument in call.args)
        }
        if function.name not in UNSCOPED:
            assert starts == set(), f"{name}.{function.name} starts from all runs: {starts}"


def _is_job(argument: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "Job" for part in ast.walk(argument))

"""Take the surroundings of real studios away, and kill their processes; 0 when all were sound.

What each run did is one row of the table at the end, and what could not be run another.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tests.chaos.kills import run_kills
from tests.chaos.outages import Outage, run_outages
from tests.chaos.studio import Setup, embedded_on_own_disk, production, rabbitmq
from tests.servers import ServerMissingError

SETUPS: dict[str, Callable[[Path], AbstractContextManager[Setup]]] = {
    "files": embedded_on_own_disk,
    "redis": production,
    "rabbitmq": rabbitmq,
}
PARTS = ("database", "broker", "storage", "disk")
HEADINGS = ("set-up", "fault", "jobs", "ok once", "attempts", "spent", "resumed", "drained", "")
LEFT_OUT = "left out"

Row = tuple[object, ...]


def main() -> int:
    """Run what was asked for, and print the table, with what had nothing to run on."""
    options = _options()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("tests.chaos").setLevel(logging.INFO)
    rows: list[Row] = []
    try:
        for name in options.setup or SETUPS:
            try:
                rows += _runs(name, options)
            except ServerMissingError as error:
                rows.append(_left_out(name, "all", str(error)))
    finally:
        sys.stdout.write(_table(rows))
    verdicts = [row[-1] for row in rows if not str(row[-1]).startswith(LEFT_OUT)]
    return 0 if verdicts and all(verdict == "sound" for verdict in verdicts) else 1


def _runs(name: str, options: argparse.Namespace) -> list[Row]:
    rows = []
    if options.outage_s:
        rows += _outages(name, options)
    if options.kill_jobs:
        rows += _kills(name, options)
    return rows


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--setup", choices=SETUPS, action="append", help="all of them by default")
    parser.add_argument("--part", choices=PARTS, action="append", help="all of them by default")
    parser.add_argument("--jobs", type=int, default=200, help="backlog of each outage")
    parser.add_argument("--outage-s", type=float, default=120, help="0 leaves outages out")
    parser.add_argument("--kill-jobs", type=int, default=1000, help="0 leaves kills out")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--patience-s", type=float, default=300, help="of kills, while no job ends")
    parser.add_argument("--folder", type=Path, help="keeps what the studios leave, logs too")
    return parser.parse_args()


def _left_out(name: str, fault: str, why: str) -> Row:
    return (name, fault, *[""] * (len(HEADINGS) - 3), f"{LEFT_OUT}: {why}")


def _outages(name: str, options: argparse.Namespace) -> list[Row]:
    with _setup(name, "outages", options.folder) as setup:
        outages = [
            Outage(part, is_silent, options.outage_s, options.jobs)
            for part in setup.parts
            if part in (options.part or PARTS)
            for is_silent in setup.ways(part)
        ]
        report = run_outages(setup, outages)
        left_out = [
            _left_out(name, part, why)
            for part, why in setup.left_out.items()
            if part in (options.part or PARTS)
        ]
    verdict = "sound" if report.is_sound else f"not sound: {report}"
    return [*(_outage(name, outage, verdict) for outage in report.outages), *left_out]


def _outage(name: str, outage: Outage, verdict: str) -> Row:
    return (
        name,
        f"{outage.part} {'silent' if outage.is_silent else 'gone'} {outage.outage_s:.0f} s",
        outage.jobs,
        outage.succeeded,
        outage.attempts,
        outage.attempts_spent,
        f"{outage.resumed_s:.0f} s",
        f"{outage.drained_s:.0f} s",
        verdict,
    )


def _kills(name: str, options: argparse.Namespace) -> list[Row]:
    jobs = options.kill_jobs
    with _setup(name, "kills", options.folder) as setup:
        report = run_kills(setup, jobs=jobs, seed=options.seed, patience_s=options.patience_s)
    outcome = report.outcome
    killed = ", ".join(f"{count} {kind}" for kind, count in report.kills.most_common())
    return [
        (
            name,
            f"kills: {killed}; {report.unsent} without a token",
            jobs,
            outcome.succeeded,
            outcome.attempts,
            outcome.attempts_spent,
            "",
            f"{report.seconds:.0f} s",
            "sound" if report.is_sound(jobs) else f"not sound: {report}",
        )
    ]


def _table(rows: list[Row]) -> str:
    lines = [HEADINGS, *([str(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


@contextmanager
def _setup(name: str, run: str, kept: Path | None) -> Iterator[Setup]:
    with ExitStack() as stack:
        if kept is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        else:
            folder = kept / f"{name}-{run}"
            folder.mkdir(parents=True)
        yield stack.enter_context(SETUPS[name](folder))


if __name__ == "__main__":
    sys.exit(main())

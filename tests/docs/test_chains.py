"""What docs/chains.md tells people to send and to type."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise

from app.commands.chain_steps import parse_step
from studio.settings import ROOT
from studio.tools.registry import parse_params
from tasks.chains import MAX_STEPS, ResultOfStep

TEXT = (ROOT / "docs" / "chains.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line)
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S)
    for line in block.replace("\\\n", " ").split("\n")
    if line.startswith("studio ")
]


def test_every_command_is_one_that_the_command_line_reads() -> None:
    [chain, run] = COMMANDS
    assert chain[:3] == ["studio", "run", "chain"]
    steps = [word for flag, word in pairwise(chain) if flag == "--step"]
    parsed = [parse_step(text, number) for number, text in enumerate(steps, start=1)]
    assert [step.spec.name for step in parsed] == ["cutout", "upscale", "cutout"]
    assert run[:3] == ["studio", "run", "upscale"]


def test_steps_for_rest_are_recipes_that_fit() -> None:
    [steps] = re.findall(r"steps='(.*?)'", TEXT, re.S)
    for recipe in json.loads(steps):
        parse_params(recipe["tool"], recipe.get("params", {}))
    [name] = re.findall(r"-F 3\.alpha=(\S+)", TEXT)
    assert ResultOfStep.parse(name) == ResultOfStep(2)


def test_page_tells_the_limit() -> None:
    assert f"{MAX_STEPS} at most" in TEXT

"""Whether a TorchScript file holds tensor arithmetic and nothing else.

Such a file is a program. PyTorch's interpreter offers it more than arithmetic: ``aten::from_file``
and ``aten::save`` read and write any file, others fork, print, call remote machines or change the
interpreter's state; and a class may bring a method that runs while the file is loaded. So a
program is read before it runs, and runs only when each of its operations is one of a list. A list
of what is forbidden would be out of date with the next release of PyTorch, without anybody
noticing; an operation that is missing from this one is refused by name, and can be added.

The list is in ``torchscript_ops.txt``. Loops must be counted, so that every program ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import torch

from studio.errors import ModelUnavailableError
from studio.models.runtime import unreadable
from studio.words import Message, msg

_RUNS_WHILE_LOADED = b"__setstate__"
_FOREIGN_CLASSES = b"torch.classes"
_PYTORCH = f"PyTorch {torch.__version__}"
_LONGEST_CODE_BYTES = 32 << 20
_MOST_OPERATIONS = 1_000_000
"""Of one run; LaMa has about two thousand."""


def require_no_code_at_load(path: Path) -> None:
    """Refuse an archive that would run code of its own while PyTorch loads it.

    It is read by PyTorch's own reader, so that no other file can be checked than is loaded.

    Raises:
        ModelUnavailableError: ``model.unsafe``, or ``model.unreadable`` when it is no TorchScript.

    """
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        names = reader.get_all_records()
    except RuntimeError as error:
        raise unreadable(path, _PYTORCH) from error
    if "model.json" in names or "constants.pkl" not in names:
        raise unreadable(path, _PYTORCH)
    sources = [name for name in names if name.startswith("code/") and name.endswith(".py")]
    pickles = [name for name in names if name.endswith(".pkl") and not name.startswith("code/")]
    if sum(reader.get_record_size(name) for name in (*sources, *pickles)) > _LONGEST_CODE_BYTES:
        raise _refusal(path, msg("more code than any network needs"))
    for name in sources:
        if _RUNS_WHILE_LOADED in reader.get_record(name):
            raise _refusal(path, msg("a method that runs while the file is loaded"))
    if any(_FOREIGN_CLASSES in reader.get_record(name) for name in (*sources, *pickles)):
        raise _refusal(path, msg("objects that are made by code outside of the file"))


def require_tensor_arithmetic(network: Any, path: Path) -> None:  # noqa: ANN401  # torch.jit's own
    """Refuse a loaded network whose ``forward`` does more than calculate, or may never end.

    Raises:
        ModelUnavailableError: ``model.unsafe``.

    """
    operations = 0
    for node, times in _nodes(network.inlined_graph, path):
        if node.kind() not in allowed_operations():
            raise _refusal(path, msg("the operation {kind}", kind=node.kind()))
        operations += times
        if operations > _MOST_OPERATIONS:
            raise _refusal(path, msg("more than {most} operations", most=_MOST_OPERATIONS))


@cache
def allowed_operations() -> frozenset[str]:
    """Names such as ``aten::conv2d``; of each that works in place, only the copying form is listed.

    ``aten::relu_`` is allowed because ``aten::relu`` is.
    """
    text = Path(__file__).with_name("torchscript_ops.txt").read_text(encoding="ascii")
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    names = {name for line in lines for name in line}
    in_place = {f"{name}_" for name in names if name.startswith("aten::")}
    return frozenset(names | in_place)


def _nodes(graph: Any, path: Path) -> Iterator[tuple[Any, int]]:  # noqa: ANN401  # torch.jit's own
    """All nodes of a graph, each with how often it runs at most."""
    blocks = [(graph, 1)]
    while blocks:
        block, times = blocks.pop()
        for node in block.nodes():
            yield node, times
            inner = times * _rounds(node, path) if node.kind() == "prim::Loop" else times
            blocks += [(inner_block, inner) for inner_block in node.blocks()]


def _rounds(loop: Any, path: Path) -> int:  # noqa: ANN401  # torch.jit's own
    """How often a loop turns at most, as a constant of the program says."""
    most = next(loop.inputs()).node()
    rounds = most.output().toIValue() if most.kind() == "prim::Constant" else None
    if not isinstance(rounds, int) or rounds > _MOST_OPERATIONS:
        raise _refusal(path, msg("a loop of which nobody can say when it ends"))
    return max(rounds, 0)


def _refusal(path: Path, what: Message) -> ModelUnavailableError:
    return ModelUnavailableError(
        msg(
            "{name} is refused: it is a program that contains {what}, and the studio "
            "runs only arithmetic on tensors. Use the network in ONNX form.",
            name=path.name,
            what=what,
        ),
        code="model.unsafe",
    )

from __future__ import annotations

import ast

import pytest

from studio.settings import ROOT


@pytest.mark.parametrize("source", ["catalogue/spec.py", "catalogue/files.py", "contracts.py"])
def test_catalogue_faults_are_sentences_of_the_readers_language(source: str) -> None:
    tree = ast.parse((ROOT / "studio" / "models" / source).read_text())
    raised = [
        node.exc.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and isinstance(node.exc, ast.Call)
        and ast.unparse(node.exc.func) == "ValueError"
    ]
    assert raised
    assert not [ast.unparse(one) for one in raised if not isinstance(one, ast.Call)]

"""Completion in the shell: commands, options and the product's own names, in bash, zsh and fish."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TENURE = str(Path(sys.executable).with_name("tenure"))


def completed(shell: str, *words: str) -> list[str]:
    """Return what a shell would offer for the last of the words."""
    line = " ".join(["tenure", *words])
    asked = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words))},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, **asked, "_TENURE_COMPLETE": f"complete_{shell}"}
    result = subprocess.run([TENURE], env=environment, capture_output=True, text=True, check=False, timeout=60)
    return result.stdout.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("expl",), "explain"),
        (("explain", "chur"), "churn"),
        (("explain", "customers_lo"), "customers_lost"),
        (("explain", "churn", "--by", "cou"), "country"),
        (("kpi", "--window", "mon"), "month"),
        (("kpi", "--lens", "strip"), "stripe"),
        (("target", "set", "ret"), "retention"),
        (("target", "set", "retention", "36"), "365d"),
        (("kpi", "--win"), "--window"),
    ],
    ids=" ".join,
)
def test_bash_is_offered_the_products_own_names(words: tuple[str, ...], offered: str) -> None:
    """Nobody remembers 47 names of counts."""
    assert offered in completed("bash", *words)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_them_as_well(shell: str) -> None:
    """Each has a script of its own behind `tenure --install-completion`."""
    assert any("retention" in word for word in completed(shell, "target", "set", "reten"))

#!/usr/bin/env python3
"""Tries the tests with a sample of mutants: small faults that cosmic-ray plants in a copy, one at a time.

A mutant that no test notices is printed as a diff, and asks for a test or for a reason
(docs/decisions/0015-mutants-by-sample.md).
"""

import argparse
import ast
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "mutants"
TOOL = "cosmic-ray==8.7.0"
#: One that takes longer counts as noticed: long, since another load of the machine must not notice mutants.
TIMEOUT_SECONDS = 1200
UNIT, STREAMS = "tests/unit/kpis", "tests/unit/streams"
#: Without those that import pandas, which takes longer than all of these.
FOLD = [
    *(f"{UNIT}/customer/test_{name}.py" for name in ("timeline", "deduplication", "features")),
    f"{UNIT}/fold/test_contribution.py",
    f"{UNIT}/counting/test_ratios_and_feedback.py",
    f"{UNIT}/test_names.py",
    f"{UNIT}/test_references.py",
    f"{UNIT}/test_packing.py",
    "tests/property/test_round_trips.py",
    "tests/property/test_exactness.py",
]
EXPLAINING = ["tests/unit/tenure/reports/test_explain.py", "tests/property/test_explaining.py"]
COHORTS = [
    f"{UNIT}/population/test_cohorts.py",
    f"{UNIT}/population/test_lifetime.py",
    "tests/unit/tenure/reports/test_cohorts.py",
    "tests/property/test_cohorts_and_lifetime.py",
]
COUNTS = ["tests/property/test_windows.py", "tests/property/test_rolling_counts.py", *FOLD]
TABLES = ["tests/contract/test_tables_contract.py", "tests/contract/test_redis_commit.py"]
PARTITION = [
    *(f"{STREAMS}/partition/test_{name}.py" for name in ("partition", "partition_state", "stream")),
    f"{UNIT}/fold/test_restatements.py",
    "tests/simulation/test_product.py::test_numbers_are_exact_whatever_happens_to_workers_tables_and_log[0]",
]
POPULATION = "kpis/population"
#: What is tried of the tests for a module, or for a folder of them, that is not of the fold itself: the fast ones.
TESTS = {
    "kpis/members": EXPLAINING,
    "kpis/counting/periods.py": ["tests/unit/tenure/reports/test_periods.py", "tests/property/test_periods.py"],
    "kpis/counting": COUNTS,
    "kpis/surveys": [f"{UNIT}/surveys/test_due.py", f"{UNIT}/surveys/test_sent.py", f"{STREAMS}/test_surveys.py"],
    f"{POPULATION}/episodes.py": EXPLAINING,
    f"{POPULATION}/reasons.py": [f"{UNIT}/population/test_reasons.py", "tests/property/test_reasons.py"],
    f"{POPULATION}/summary.py": [f"{UNIT}/population/test_summary.py", "tests/unit/tenure/worker/test_population.py"],
    POPULATION: COHORTS,
    "kpis/fold/restatements.py": PARTITION,
    "streams/partition": PARTITION,
    "streams/embedded/tables.py": TABLES,
    "streams/redis": TABLES,
    "streams/batching/consumer.py": [
        f"{STREAMS}/batching/test_consuming.py", "tests/contract/test_log_contract.py",
        "tests/simulation/test_simulated_log.py",
    ],
}  # fmt: skip
#: The modules that are tried.
GROUPS = {
    "kpis": sorted(str(path.relative_to(ROOT)) for path in (ROOT / "kpis").rglob("[a-z]*.py")),
    "streams": [
        "streams/batching/consumer.py", "streams/embedded/tables.py", "streams/partition/applying.py",
        "streams/partition/partition.py", "streams/partition/state.py", "streams/redis/commit.py",
        "streams/redis/tables.py",
    ],
}  # fmt: skip


def tests_of(module: str) -> list[str]:
    """Return the tests that are tried for a module: its own, those of its folder, or those of the fold."""
    return TESTS.get(module) or TESTS.get(str(Path(module).parent)) or FOLD


def run(command: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    """Run a program in the copy."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=PLACE / "copy", env=environment, text=True, check=False, **more)  # type: ignore[call-overload,no-any-return]


def try_tests() -> int:
    """Run the tests of the one module of the copy that is not what it is here; what cosmic-ray calls."""
    for module in (module for modules in GROUPS.values() for module in modules):
        if (PLACE / "copy" / module).read_bytes() != (PLACE / "sound" / module).read_bytes():
            quick = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", "-k", "not kafka and not cluster"]
            return run([str(ROOT / ".venv/bin/pytest"), *quick, *tests_of(module)]).returncode
    return 0


def copy() -> None:
    """Copy what git knows of the tree, twice: what is mutated, and what it is compared with."""
    shutil.rmtree(PLACE, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        for place in ("copy", "sound"):
            (PLACE / place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, PLACE / place / name)
    (PLACE / "copy" / ".venv").symlink_to(ROOT / ".venv")
    (PLACE / "copy" / "build").mkdir()
    (PLACE / "copy" / "build" / "services").symlink_to(ROOT / "build" / "services")


def annotated(path: Path) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations stand in a module: nothing reads them when it runs."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(path.read_text())):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if isinstance(part, ast.expr):
                found.append(part)
    return [((part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)) for part in found]


def sample(session: Path, size: int, seed: int) -> tuple[int, int]:
    """Leave so many mutants in a session, chosen at random; return how many there were, and are."""
    with sqlite3.connect(session) as store:
        columns = "job_id, module_path, start_pos_row, start_pos_col, operator_name, occurrence, operator_args"
        found = store.execute(f"SELECT {columns} FROM mutation_specs").fetchall()  # noqa: S608 - no input in it
        apart = {path: annotated(PLACE / "copy" / path) for path in {line[1] for line in found}}
        real = [line for line in found if not any(a <= (line[2], line[3]) < b for a, b in apart[line[1]])]
        real.sort(key=lambda line: [str(part) for part in line[1:]])
        chosen = {line[0] for line in random.Random(seed).sample(real, min(size, len(real)))}  # noqa: S311
        for line in found:
            if line[0] not in chosen:
                for table in ("mutation_specs", "work_items"):
                    store.execute(f"DELETE FROM {table} WHERE job_id = ?", (line[0],))  # noqa: S608 - two names of ours
    return len(real), len(chosen)


def try_group(group: str, size: int, seed: int) -> bool:
    """Try a sample of a group's mutants; print those that survive, and return whether there are none."""
    modules = ", ".join(f'"{module}"' for module in GROUPS[group])
    check = f"{ROOT / '.venv/bin/python'} {Path(__file__).resolve()} --try"
    config, session = PLACE / f"{group}.toml", PLACE / f"{group}.sqlite"
    config.write_text(
        f"[cosmic-ray]\nmodule-path = [{modules}]\ntimeout = {TIMEOUT_SECONDS}\nexcluded-modules = []\n"
        f'test-command = "{check}"\n[cosmic-ray.distributor]\nname = "local"\n'
    )
    tool = [str(ROOT / ".venv/bin/uv"), "tool", "run", "--quiet", "--from", TOOL, "cosmic-ray"]
    run([*tool, "init", str(config), str(session)])
    there, tried = sample(session, size, seed)
    run([*tool, "exec", str(config), str(session)])
    with sqlite3.connect(session) as store:
        results = store.execute("SELECT test_outcome, diff FROM work_results").fetchall()
    survivors = [diff for outcome, diff in results if outcome == "SURVIVED"]
    for diff in survivors:
        print(diff, end="\n\n")
    print(f"{group}: {tried} of {there} mutants tried (seed {seed}), {tried - len(survivors)} noticed", flush=True)
    return not survivors


def main() -> int:
    """Try what is asked for; 1 where a mutant survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=40, help="mutants of each group (default 40)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another sample (default 1)")
    parser.add_argument("--group", choices=list(GROUPS), action="append", help="one of the groups alone")
    parser.add_argument("--try", action="store_true", dest="tests_alone", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.tests_alone:
        return try_tests()
    copy()
    sound = [try_group(group, asked.sample, asked.seed) for group in asked.group or GROUPS]
    return 0 if all(sound) else 1


if __name__ == "__main__":
    sys.exit(main())

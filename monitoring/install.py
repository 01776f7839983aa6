"""Writes rules, boards and Alertmanager's templates for somebody else's servers, with thresholds and names of theirs.

`python -m monitoring.install --out FOLDER [--config FILE]`. The file (TOML) has what differs from what is shipped;
docs/alerting.md has an example. Nothing is written where anything in it is wrong. Boards want `tenure[boards]`.
"""

import argparse
import importlib
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from monitoring.alerts import thresholds
from monitoring.alerts.rule import PAGE, Recording, Rule
from schemas.money import decimals_of

BUILT_OF: Final = ("monitoring.rules", "monitoring.dashboards.boards")
"""What is imported once thresholds are set: it reads them then."""
WRONG: Final = 2
_METRIC: Final = re.compile(r"(?<![\w:])(tenure_[a-z0-9_]+)(?![\w:])(\{?)")
_QUERY: Final = re.compile(r"`[^`]*`")
_DURATION: Final = re.compile(r"[0-9]+[smhd]")
_HERE: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Names:
    """The names of a user, in place of those that are shipped; empty: as it is.

    Attributes:
        job: The job that Prometheus reads workers as.
        gateway_job: The same of gateways.
        selector: Matchers that every metric of the product gets, such as `env="prod"`.
        runbooks: Where runbooks are found. Without it alerts have what the external label `runbooks` of Prometheus
            says, and boards the address at which `docker compose up` and `make up` serve them.
        runbook_page: What is behind a runbook's name there: `.html` on the site of `make site`.
        dashboards: The same of Grafana.
        labels: Labels that every alert gets.
        currency: The default currency of money on boards (ISO 4217), which says what a minor unit is too.
    """

    job: str = "tenure"
    gateway_job: str = "tenure-gateway"
    selector: str = ""
    runbooks: str = ""
    runbook_page: str = PAGE
    dashboards: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""


class WrongOverrideError(Exception):
    """The file of overrides has something in it that cannot be; the message says what, and what can."""


def overrides_of(text: str) -> tuple[Names, dict[str, Any], thresholds.Pace]:
    """Return names, thresholds and durations that a file asks for.

    Raises:
        WrongOverrideError: See there.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WrongOverrideError(f"no TOML: {error}") from error
    _known("", found, ("names", "thresholds", "durations"))
    names, numbers, durations = (found.get(key, {}) for key in ("names", "thresholds", "durations"))
    _known("names.", names, [each.name for each in fields(Names)])
    for name, value in names.items():
        _like(f"names.{name}", value, getattr(Names(), name))
    currency = names.get("currency", "")
    if currency and not re.fullmatch("[A-Z]{3}", currency):
        raise WrongOverrideError(f"names.currency = {currency!r}: write three capital letters, such as EUR")
    _known("thresholds.", numbers, list(shipped_thresholds()))
    chosen = {name: _like(f"thresholds.{name}", value, shipped_thresholds()[name]) for name, value in numbers.items()}
    zone = chosen.get("TIME_ZONE_HOURS", 0)
    if not -12 <= zone <= 14 or zone % 0.25:
        raise WrongOverrideError(f"thresholds.TIME_ZONE_HOURS = {zone!r}: write -12 to 14, in quarters, such as 5.5")
    _known("durations.", durations, [each.name for each in fields(thresholds.Pace)])
    for name, value in durations.items():
        _duration(f"durations.{name}", value)
    return Names(**names), chosen, replace(thresholds.SHIPPED, **durations)


def shipped_thresholds() -> dict[str, Any]:
    """Return every threshold by its name."""
    return {name: value for name, value in vars(thresholds).items() if name.isupper() and name != "SHIPPED"}


def files_of(names: Names, chosen: Mapping[str, Any], pace: thresholds.Pace, *, boards: bool) -> dict[str, str]:
    """Return the text of every file by its path in the folder; once a process, for thresholds are set for good.

    Raises:
        ImportError: Boards are wanted, and what makes them is not installed.
    """
    assert not chosen or not any(name in sys.modules for name in BUILT_OF), "rules are built already"
    for name, value in chosen.items():
        setattr(thresholds, name, value)
    built = importlib.import_module(BUILT_OF[0])
    rules = built.rule_files(pace, lambda rule: changed(rule, names))
    files = {f"rules/{name}": text for name, text in rules.items()}
    if boards:
        wording: Any = importlib.import_module("monitoring.dashboards.wording")
        if names.currency:
            wording.MONEY, wording.MINOR_PER_MAJOR = f"currency{names.currency}", 10 ** decimals_of(names.currency)
        wording.RUNBOOKS, wording.RUNBOOK_PAGE = names.runbooks or wording.RUNBOOKS, names.runbook_page
        made = importlib.import_module(BUILT_OF[1]).documents(lambda query: narrowed(query, names))
        files |= {f"dashboards/{name}": text for name, text in made.items()}
    return files


def changed(rule: Rule, names: Names) -> Rule:
    """Return a rule with the names of a user in place of those that are shipped."""
    expr = narrowed(rule.expr, names)
    if isinstance(rule, Recording):
        return replace(rule, expr=expr)
    said = {
        key: _QUERY.sub(lambda found: narrowed(found[0], names), getattr(rule, key))
        for key in ("summary", "description")
    }
    addresses = {"runbooks": names.runbooks, "page": names.runbook_page, "dashboards": names.dashboards}
    return replace(
        rule,
        expr=expr,
        labels={**rule.labels, **names.labels},
        addresses={k: v for k, v in addresses.items() if v},
        **said,
    )


def narrowed(query: str, names: Names) -> str:
    """Return a query of the jobs and with the selector of a user."""
    jobs = {'job="tenure"': f'job="{names.job}"', 'job="tenure-gateway"': f'job="{names.gateway_job}"'}
    for shipped, own in jobs.items():
        query = query.replace(shipped, own)
    if not names.selector:
        return query

    def with_selector(found: re.Match[str]) -> str:
        return f"{found[1]}{{{names.selector}" + ("," if found[2] else "}")

    query = _METRIC.sub(with_selector, query)
    return re.sub(r"(?<![\w:])up\{", f"up{{{names.selector},", query)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; return the exit status: 2 where the overrides or the folder are wrong."""
    parser = argparse.ArgumentParser(prog="python -m monitoring.install", description=__doc__)
    parser.add_argument("--out", type=Path, help="the folder that they are written into")
    parser.add_argument("--config", type=Path, help="what differs from what is shipped (TOML)")
    parser.add_argument("--no-boards", action="store_true", help="rules and templates only")
    parser.add_argument(
        "--list", action="store_true", help="print all that can be overridden, as it is shipped; write nothing"
    )
    chosen = parser.parse_args(arguments)
    if chosen.list:
        sys.stdout.writelines(f"{line}\n" for line in _listed())
        return 0
    if chosen.out is None:
        parser.error("--out is missing: the folder that they are written into")
    try:
        text = chosen.config.read_text(encoding="utf-8") if chosen.config else ""
        names, numbers, pace = overrides_of(text)
        files = files_of(names, numbers, pace, boards=not chosen.no_boards)
    except (WrongOverrideError, OSError) as error:
        sys.stderr.write(f"{chosen.config}: {error}\n")
        return WRONG
    except ImportError as error:
        sys.stderr.write(f"boards need {error.name}: pip install 'tenure[boards]', or say --no-boards\n")
        return WRONG
    try:
        _write(files, chosen.out)
    except (OSError, shutil.Error) as error:
        sys.stderr.write(f"--out {chosen.out}: it cannot be written: {error}; name a folder that you may write to\n")
        return WRONG
    sys.stdout.write(f"{len(files)} files of rules and boards, and Alertmanager's templates, are in {chosen.out}\n")
    return 0


def _write(files: Mapping[str, str], folder: Path) -> None:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
    shutil.copytree(_alertmanager(), folder / "alertmanager", dirs_exist_ok=True)


def _alertmanager() -> Path:
    """Return the folder of Alertmanager's configuration: beside us where we are installed, else in the checkout."""
    installed = _HERE / "alertmanager"
    return installed if installed.is_dir() else _HERE.parent / "alertmanager"


def _known(where: str, found: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in found:
        if name not in known:
            raise WrongOverrideError(f"{where}{name} is none of {', '.join(known)}")


def _like(name: str, value: Any, shipped: Any) -> Any:
    """Return a value in the form of what is shipped."""
    if isinstance(shipped, Mapping) and isinstance(value, Mapping):
        return {key: _like(f"{name}.{key}", each, "") for key, each in value.items()}
    if isinstance(shipped, tuple) and isinstance(value, list):
        return _all_like(name, value, shipped)
    if isinstance(shipped, str) and _DURATION.fullmatch(shipped):
        return _duration(name, value)
    wanted: tuple[type, ...] = (int, float) if isinstance(shipped, float) else (type(shipped),)
    if isinstance(value, bool) or not isinstance(value, wanted):
        raise WrongOverrideError(f"{name} = {value!r}: it is of another kind than what is shipped, {shipped!r}")
    return value


def _all_like(name: str, value: list[Any], shipped: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a list whose elements are like those that are shipped; an element that is a list itself has as many."""
    in_a_list = name.endswith("]")
    if not value or (in_a_list and len(value) != len(shipped)):
        wanted = f"{len(shipped)} elements" if in_a_list else "an element at least"
        raise WrongOverrideError(f"{name} = {value!r}: it needs {wanted}, as {list(shipped)!r} has")
    models = shipped if in_a_list else shipped[:1] * len(value)
    return tuple(_like(f"{name}[{n}]", each, model) for n, (each, model) in enumerate(zip(value, models, strict=True)))


def _duration(name: str, value: Any) -> str:
    if not (isinstance(value, str) and _DURATION.fullmatch(value)):
        raise WrongOverrideError(f'{name} = {value!r}: write a duration such as "5m"')
    return value


def _listed() -> Iterator[str]:
    yield "[names]"
    yield from (f"# {each.name} = {_toml(getattr(Names(), each.name))}" for each in fields(Names))
    yield "\n[durations]"
    yield from (f"# {each.name} = {_toml(getattr(thresholds.SHIPPED, each.name))}" for each in fields(thresholds.Pace))
    yield "\n[thresholds]"
    yield from (f"# {name} = {_toml(value)}" for name, value in shipped_thresholds().items())


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, Mapping):
        return "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    sys.exit(main())

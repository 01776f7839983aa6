"""Whatever a user can hold on to is documented, generated pages are up to date, and what pages name exists."""

import html
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from docgen.commands import commands
from schemas.catalogue.counts import COUNTS, FACTS_WITHOUT_EFFECT
from schemas.catalogue.ratios import RATIOS
from schemas.events import EVENT_TYPES
from schemas.instruments import INSTRUMENTS
from schemas.topics import INPUT_TOPICS
from streams.settings.loading import load_settings
from streams.settings.settings import ENVIRONMENT_PREFIX, Settings
from tenure.demo.screen.layout import TILES
from tests.docs.pages import ROOT, blocks_of, pages, text_of

KINDS = {"added", "changed", "fixed", "removed"}
PAGE_WORDS = 520


def test_every_command_is_documented_and_announced() -> None:
    """A command that is in no page does not exist for users; one that is in no changelog came about unnoticed."""
    names = [f"tenure {name}" for name in commands()]
    assert "tenure worker" in names
    page = text_of("docs/commands.md")
    assert [name for name in names if f"\n## {name}\n" not in page] == []
    announced = text_of("CHANGELOG.md") + "".join(text_of(path.relative_to(ROOT)) for path in fragments())
    assert [name for name in names if f"`{name}`" not in announced] == []


def test_every_option_of_a_command_is_documented() -> None:
    """`--help` and the page are made of the same parameters; this is what fails if one is not."""
    sections = text_of("docs/commands.md").split("\n## tenure ")
    by_name = {section.split("\n", 1)[0]: section for section in sections[1:]}
    missing = [
        f"{name} {option}"
        for name, command in commands().items()
        for parameter in command.params
        for option in parameter.opts
        if option.startswith("--") and f"`{option}" not in by_name[name]
    ]
    assert missing == []


def test_page_of_filters_names_the_commands_that_have_one() -> None:
    """Whoever looks there for a command that is not named goes without a filter that there is."""
    found = sorted(
        name for name, command in commands().items() if any("--where" in each.opts for each in command.params)
    )
    named = re.search(r"\n`tenure (.+?) have it\. ", text_of("docs/filters.md"), re.DOTALL)
    assert named is not None
    assert re.findall(r"\w+", named[1].replace(" and ", " ")) == found


def test_every_setting_is_documented() -> None:
    """A setting that is not on the page is set by nobody."""
    page = text_of("docs/settings.md")
    assert [name for name in Settings.model_fields if f"### `{name}`" not in page] == []
    assert [name for name in Settings.model_fields if f"`{ENVIRONMENT_PREFIX}{name.upper()}`" not in page] == []


def test_every_metric_is_documented() -> None:
    """An operator who sees a name on a dashboard looks for it here."""
    page, kpis = text_of("docs/metrics.md"), text_of("docs/kpis.md")
    assert [instrument.name for instrument in INSTRUMENTS if f"`{instrument.name}`" not in page] == []
    assert [count.name for count in COUNTS if f"`{count.name}`" not in kpis] == []
    assert [ratio.title for ratio in RATIOS if f"\n### {ratio.title}\n" not in kpis] == []


def test_metrics_that_pages_name_exist() -> None:
    """A renamed metric lives on in the pages that people copy alerts from."""
    counts = {count.metric for count in (*COUNTS, FACTS_WITHOUT_EFFECT)}
    known = {instrument.name for instrument in INSTRUMENTS} | counts
    named = {
        (str(page), name)
        for page in pages()
        for name in re.findall(r"\btenure_[a-z_0-9]+", text_of(page))
        if "/" not in name
    }
    assert len(named) > 20
    known |= {f"{one.name}_{part}" for one in INSTRUMENTS if one.buckets for part in ("bucket", "sum", "count")}
    modules = {f"tenure_{path.stem}" for path in (ROOT / "examples").rglob("*.py")}
    assert sorted(f"{page}: {name}" for page, name in named if name not in known | modules) == []


def test_logs_that_the_operating_page_names_are_written() -> None:
    """Who searches the logs for a name that does not exist concludes that all is well."""
    table = text_of("docs/operating.md").split("\n## Logs\n")[1].split("\n## ")[0]
    named = {
        name
        for row in table.splitlines()
        if row.startswith("| `")
        for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])
    }
    sources = "".join(
        p.read_text(encoding="utf-8") for room in ("streams", "tenure") for p in (ROOT / room).rglob("*.py")
    )
    written = set(re.findall(r"(?:log\.(?:warning|error|exception)\(\s*|failed=)\"([a-z_]+)\"", sources))
    assert len(named) > 5
    assert named == written


@pytest.mark.parametrize("module", ["docgen", "monitoring.rules", "monitoring.dashboards"])
def test_generated_files_are_up_to_date_and_the_gate_asks(module: str) -> None:
    """A page that says one thing and a program that does another are worse than no page."""
    makefile = text_of("Makefile")
    assert f"{module} --check" in makefile
    assert re.search(rf"{re.escape(module)}( --write)?$", makefile, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, "-m", module, "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_generated_pages_say_what_writes_them() -> None:
    """What is mended in a generated page by hand is lost."""
    generated = (
        "docs/kpis.md",
        "docs/events.md",
        "docs/metrics.md",
        "docs/settings.md",
        "docs/commands.md",
        "docs/rights.md",
    )
    assert [page for page in generated if "<!-- Written by `python -m" not in text_of(page)] == []


def test_readme_names_every_topic_and_event_type() -> None:
    """Who plugs in reads the README first, and perhaps nothing else."""
    readme = text_of("README.md")
    assert [topic.default_name for topic in INPUT_TOPICS if f"`{topic.default_name}`" not in readme] == []
    types = {event_type.TYPE for event_type in EVENT_TYPES} - {"downgrade"}
    assert [name for name in types if f"`{name}`" not in readme] == []


def test_settings_files_of_the_pages_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example that the worker refuses is worse than none."""
    texts = [block.text for page in pages() for block in blocks_of(page) if block.language == "toml"]
    started = next(block.text for block in blocks_of("docs/getting-started.md") if "tenure.toml" in block.text)
    texts.append(started.split("<<'END'\n")[1].split("\nEND")[0])
    assert len(texts) >= 2
    monkeypatch.chdir(tmp_path)
    for number, text in enumerate(texts):
        file = tmp_path / f"{number}.toml"
        file.write_text(text, encoding="utf-8")
        assert load_settings(file).redis_prefix == "tenure"
        assert tomllib.loads(text)


def test_configurations_of_the_pages_are_yaml() -> None:
    """They are copied into the files of Prometheus and Docker Compose."""
    texts = [block.text for page in pages() for block in blocks_of(page) if block.language == "yaml"]
    first = {next(iter(yaml.safe_load(text))) for text in texts}
    assert first == {"scrape_configs", "services"}


def test_architecture_keeps_to_three_pages_and_names_what_exists() -> None:
    """It is read before the first change, or not at all."""
    text = text_of("ARCHITECTURE.md")
    assert len(text.split()) <= 3 * PAGE_WORDS
    packages = {"tenure", "agents", "streams", "kpis", "schemas"}
    table = text.split("\n## Code map\n")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in row.strip("|").split(" | ")] for row in table.splitlines() if row.startswith("| `")
    ]
    assert {row[0].strip("` ") for row in rows} == packages
    for room, what, first in rows:
        folder = ROOT / room.strip("` ")
        assert [name for name in re.findall(r"`([\w./]+)`", first) if not (folder / name).is_file()] == []
        assert [name for name in re.findall(r"`([\w.]+)`", what) if not _is_package_or_module(folder / name)] == []
    modules = re.findall(r"`((?:tenure|agents|streams|kpis|schemas)(?:\.[a-z_]+)+)`", text)
    assert len(modules) > 10
    assert [name for name in modules if not _is_package_or_module(ROOT.joinpath(*name.split(".")))] == []


def _is_package_or_module(path: Path) -> bool:
    return (path / "__init__.py").is_file() or path.with_suffix(".py").is_file()


def test_every_decision_is_a_page_of_the_same_shape_and_listed() -> None:
    """Context, options with figures, decision, consequences: who doubts a decision must find why it was taken."""
    index = text_of("docs/decisions/README.md")
    found = sorted(path for path in (ROOT / "docs" / "decisions").glob("0*.md"))
    assert [path.name[:4] for path in found] == [f"{number:04}" for number in range(1, len(found) + 1)]
    assert len(found) >= 5
    for path in found:
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Options", "Decision", "Consequences"]
        assert len(text.split()) <= PAGE_WORDS, f"{path.name} is longer than a page"
        assert f"({path.name})" in index


def fragments() -> list[Path]:
    """Return the changes that are not released yet."""
    return sorted(path for path in (ROOT / "changelog.d").iterdir() if path.name != "README.md")


def test_changes_that_are_not_released_are_well_formed_fragments() -> None:
    """A release is made of them without reading the history."""
    wrong = [p.name for p in fragments() if not re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", p.name)]
    assert wrong == []
    texts = {path.name: path.read_text(encoding="utf-8") for path in fragments()}
    assert [name for name, text in texts.items() if not text.strip().endswith(".") or "\n\n" in text.strip()] == []


def test_changelog_begins_with_the_version_of_the_project() -> None:
    """A version without a section was released without saying what changed."""
    version = tomllib.loads(text_of("pyproject.toml"))["project"]["version"]
    versions = re.findall(r"^## (.*)$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == version
    assert len(versions) == len(set(versions))


def test_folders_of_the_tests_are_explained() -> None:
    """Where a new test belongs is the first thing that a contributor asks."""
    table = text_of("CONTRIBUTING.md")
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and any(path.glob("test_*.py"))}
    assert [name for name in sorted(folders - {"services"}) if f"`tests/{name}`" not in table] == []


def test_pictures_show_the_screen_as_it_is_and_fetch_nothing() -> None:
    """A picture of an older screen promises what is not there; a font from elsewhere tells others who reads us."""
    terminal = text_of("docs/images/terminal.svg").replace("&#160;", " ")
    assert [tile.title for tile in TILES if tile.title not in terminal] == []
    for name in ("terminal", "replay", "doctor", "way"):
        picture = text_of(f"docs/images/{name}.svg")
        assert re.findall(r"(?:href|src|url)\s*[=(]\s*[\"']?(https?:[^\"')]*)", picture) == []
    assert "prefers-color-scheme: dark" in text_of("docs/images/way.svg")


def test_picture_of_a_report_shows_what_the_command_prints(tmp_path: Path) -> None:
    """A reader who follows the page compares the two; `docs/images/terminal.py` draws it anew."""
    archive = ROOT / "tests" / "golden" / "stripe" / "export.ndjson"
    options = ["--as", "stripe", "--at", "2026-05-01", "--window", "month", "--by", "plan"]
    command = [str(Path(sys.executable).with_name("tenure")), "replay", str(archive), *options]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    end = printed[printed.index("Money, USD") :]
    shown = html.unescape(re.sub(r"<[^>]*>", " ", text_of("docs/images/replay.svg"))).split()
    assert [word for word in end.split() if word not in shown] == []
    assert "66.7" in shown


def test_pages_do_not_promise_what_is_not_built() -> None:
    """A command that a page names and nobody wrote costs the reader's trust in all the others."""
    known = set(commands())
    named = {
        (str(page), name)
        for page in pages()
        for name in re.findall(r"\btenure ([a-z]+)\b(?=[^\n]*`)", "\n".join(re.findall(r"`[^`\n]+`", text_of(page))))
    }
    assert ("README.md", "replay") in named
    assert sorted(f"{page}: tenure {name}" for page, name in named if name not in known) == []

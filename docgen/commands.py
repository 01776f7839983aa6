"""docs/commands.md: the commands, as their docstrings and options describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from typer.core import TyperArgument, TyperGroup
from typer.main import get_command

from tenure.cli import app

if TYPE_CHECKING:
    from collections.abc import Sequence

_HEAD: Final = """# Commands

`tenure --help` lists the commands, and `tenure COMMAND --help` tells what stands here. `tenure --install-completion`
lets bash, zsh and fish complete commands, options and the names of KPIs; a name that nearly fits is asked about.

Data go to standard output and all else to standard error. A fault is one line that says what to change. Exit status:

| status | means |
| --- | --- |
| 0 | Done. |
| 1 | Something was not delivered, a service did not answer, or a check failed; an event of a file was refused. |
| 2 | Wrong usage or configuration; nothing was begun. |
| 128 + n | Ended by signal n, such as 130 by Ctrl-C. `worker`, `gateway` and `demo` end with 0: so they are ended. |

What the commands are told once and for all stands in the [settings](settings.md). The shape of what
`--json` prints: [report.md](report.md).

Names come from events, and anybody may write one that a terminal obeys. What is printed for people shows each such
character as an escape (`\\x1b`, `\\u202e`), and a backslash in a name as two. JSON holds the name itself, with JSON's
own escapes. In CSV a name is shown as to people, and one that a spreadsheet would take for a formula (it begins with
`=`, `+`, `-` or `@`) begins with an apostrophe.
"""


def commands() -> dict[str, Any]:
    """Return the commands by name, in the order of the help; those of a group, "target list", after the group."""
    root = get_command(app)
    assert isinstance(root, TyperGroup), "the application has several commands"
    found: dict[str, Any] = {}
    for name, command in root.commands.items():
        found[name] = command
        if isinstance(command, TyperGroup):
            found |= {f"{name} {member}": inner for member, inner in command.commands.items()}
    return found


def page() -> str:
    """Return docs/commands.md as it should be."""
    parts = [_HEAD]
    for name, command in commands().items():
        assert command.help, f"{name} does not say what it does"
        parts += [f"## tenure {name}", "", *_paragraphs(command.help)]
        parts += _members(name, command) if isinstance(command, TyperGroup) else _table(command.params)
    return "\n".join(parts).rstrip() + "\n"


def _paragraphs(text: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.strip().split("\n\n"):
        words = " ".join(paragraph.split())
        before, example, command = words.partition(" For example: ")
        lines += [before, ""]
        if example and ("--file" in command or "tenure replay -" in command):  # runs as it stands, and a test runs it
            lines += ["For example:", "", "```bash", command, "```", ""]
        elif example:
            lines += [f"For example, on a running stream: `{command}`", ""]
    return lines


def _members(name: str, group: TyperGroup) -> list[str]:
    """Return where the commands of a group stand."""
    links = [f"[`{name} {member}`](#tenure-{name}-{member})" for member in group.commands]
    return [f"Its commands: {', '.join(links)}.", ""]


def _table(parameters: Sequence[Any]) -> list[str]:
    rows = [
        f"| `{_written(parameter)}` | {_meaning(parameter)} | {_default(parameter)} |"
        for parameter in parameters
        if not getattr(parameter, "hidden", False)
    ]
    return ["| argument or option | meaning | default |", "| --- | --- | --- |", *rows, ""]


def _written(parameter: Any) -> str:
    if isinstance(parameter, TyperArgument):
        return str(parameter.metavar)
    return " ".join([", ".join(parameter.opts), *([parameter.metavar] if parameter.metavar else [])])


def _meaning(parameter: Any) -> str:
    assert parameter.help, f"{parameter.name} does not say what it means"
    return str(parameter.help).replace("|", "\\|")


def _default(parameter: Any) -> str:
    """Return what holds where the option is not given."""
    if parameter.required:
        return "**required**"
    if isinstance(parameter.show_default, str):
        return str(parameter.show_default)
    match parameter.default:
        case None | False:
            return "–"
        case value:
            return f"`{value}`"

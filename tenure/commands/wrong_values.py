"""Values of options and arguments that are not of their kind, in one sentence: which, what it was, what it must be.

Not here: values that only the settings or the data refuse; whoever reads them says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.wording import nearest_name
from streams.settings.faults import requirement_of

if TYPE_CHECKING:
    import typer


def wrong_value(error: typer.BadParameter) -> str | None:
    """Return the sentence for a value that the command refuses; None where it is refused for another reason.

    Args:
        error: With the parameter, and what pydantic found as its cause.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - slow, and only needed here

    parameter, context, cause = error.param, error.ctx, error.__cause__
    if parameter is None or context is None or not isinstance(cause, ValidationError):
        return None
    fault = cause.errors(include_url=False)[0]
    named = max(parameter.opts, key=len)
    if not named.startswith("-"):
        named = named.upper()
    known = [choice.value for choice in parameter.shell_complete(context, "")]
    value = str(fault["input"])
    if known:
        return f"{named} {value}: there is only {', '.join(known)}{nearest_name(value, known)}"
    requirement = requirement_of(fault)
    if requirement is None:
        return None
    limits = _limits(getattr(parameter, "min", None), getattr(parameter, "max", None))
    if limits:
        kind = requirement if fault["type"].startswith(("int", "float")) else "a number"
        requirement = f"{kind} {limits}"
    return f"{named} {value}: it must be {requirement}"


def _limits(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        return "" if least is None else f"of at least {least}"
    return f"from {least} to {most}"

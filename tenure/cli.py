"""The `tenure` command: its list of commands, and how it ends.

Every fault of the world ends in one line on standard error that says what to change. Exit status: 0 done, 1 a check
failed or something could not be delivered, 2 wrong usage or configuration, 128 + n ended by signal n.
The modules that do the work are imported when their command runs, so that `tenure --help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from streams.errors import UsageError
from tenure.api import command as api
from tenure.commands import (
    cohorts,
    company,
    customer,
    demo,
    digest,
    dlq,
    doctor,
    drivers,
    experiments,
    explain,
    export,
    feedback,
    forecast,
    forget,
    gateway,
    history,
    kpi,
    lenses,
    lifetime,
    mark,
    marks,
    periods,
    publish,
    reasons,
    rebuild,
    reconcile,
    referrals,
    replay,
    restore,
    resume,
    risk,
    snapshot,
    sql,
    support,
    target,
    topics,
    undo,
    usage,
    validate,
    value,
    worker,
)
from tenure.commands.one_line import complain, one_line_errors
from tenure.commands.standard_output import give_up_output, use_checked_output
from tenure.commands.wrong_values import wrong_value
from tenure.garbage import spare_loading
from tenure.worker.signals import Stopped, end_signals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

USAGE_EXIT_STATUS = 2
PIPE_EXIT_STATUS = 1
"""Of a command whose reader has closed the pipe; nothing is said of it."""


class OneLineErrors(TyperGroup):
    """A group of commands whose errors are one line each, without a traceback."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command that the arguments name, and leave the process with its exit status."""
        assert standalone_mode, "call the functions of tenure.commands instead"
        previous = {number: signal.signal(number, _stop) for number in end_signals() if number != signal.SIGINT}
        try:
            with one_line_errors():
                _check_text(sys.argv[1:] if args is None else args)
                status = super().main(args, prog_name or "tenure", complete_var, False, windows_expand_args, **extra)
                sys.stdout.flush()
        except BrokenPipeError:
            give_up_output()
            status = PIPE_EXIT_STATUS
        except typer.TyperException as error:
            complain(_usage_line(error), USAGE_EXIT_STATUS)
        except Stopped as stopped:
            status = 128 + stopped.signal_number
        except typer.Abort:
            status = 128 + signal.SIGINT
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
        sys.exit(status if isinstance(status, int) else 0)


def _check_text(arguments: Sequence[str]) -> None:
    """Raise UsageError for an argument that is not UTF-8, unless it is the name of a file, which may be any bytes."""
    for argument in arguments:
        is_text = argument.isascii() or not any("\ud800" <= each <= "\udfff" for each in argument)
        if not is_text and not os.path.lexists(argument):
            shown = os.fsencode(argument).decode("utf-8", "backslashreplace")
            raise UsageError(f"the argument {shown} is not UTF-8; write it in UTF-8")


def _stop(signal_number: int, _frame: FrameType | None) -> None:
    raise Stopped(signal_number)


def _usage_line(error: typer.TyperException) -> str:
    context: typer.Context | None = getattr(error, "ctx", None)
    command = "tenure" if context is None else context.command_path
    found = wrong_value(error) if isinstance(error, typer.BadParameter) else None
    return found or f"{error.format_message().rstrip('.')}; see {command} --help"


app = typer.Typer(
    name="tenure",
    cls=OneLineErrors,
    help="Exact rolling retention, churn and 7-day drop-off of a subscription business, from Kafka to Prometheus.",
    epilog="Settings are environment variables (TENURE_...) or keys of tenure.toml: docs/settings.md lists them all.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from schemas.version import installed_version  # noqa: PLC0415 - slow, and only needed here

        found = installed_version()
        typer.echo("tenure, from its source folder" if found is None else f"tenure {found}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _begin(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    assert not version, "the option's callback has ended the command"
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


# The order is the one in which somebody new needs them.
for function in (
    demo.demo,
    topics.topics,
    worker.worker,
    validate.validate,
    publish.publish,
    replay.replay,
    kpi.kpi,
    company.company,
):
    app.command()(function)
app.command()(periods.periods)
app.command()(cohorts.cohorts)
app.command()(lifetime.lifetime)
app.command()(feedback.feedback)
app.command()(drivers.drivers)
app.command()(risk.risk)
app.command()(forecast.forecast)
app.command()(explain.explain)
app.command()(customer.customer)
app.command()(lenses.lenses)
app.command()(reasons.reasons)
app.command()(reasons.features)
app.command()(experiments.experiments)
app.command()(mark.mark)
app.command()(marks.marks)
app.command()(support.support)
app.command()(referrals.referrals)
app.command()(usage.usage)
app.command()(value.value)
app.command()(sql.sql)
app.command()(export.export)
app.command()(digest.digest)
app.command()(history.history)
app.command()(reconcile.reconcile)
app.add_typer(target.group)
app.command()(doctor.doctor)
app.command()(resume.resume)
app.command()(rebuild.rebuild)
app.command()(snapshot.snapshot)
app.command()(restore.restore)
app.command()(gateway.gateway)
app.command()(api.api)
app.add_typer(dlq.group)
app.command()(undo.undo)
app.command()(forget.forget)


def main() -> None:
    """Run the command that the process was started with; it does not return."""
    spare_loading()
    use_checked_output()
    if len(sys.argv) > 1:
        leave_only(sys.argv[1])
    app()


def leave_only(name: str) -> None:
    """Leave of the commands only the one of this name, if there is one: reading the options of thirty takes long."""
    commands = [each for each in app.registered_commands if each.callback and each.callback.__name__ == name]
    groups = [each for each in app.registered_groups if each.typer_instance and each.typer_instance.info.name == name]
    if commands or groups:
        app.registered_commands, app.registered_groups = commands, groups

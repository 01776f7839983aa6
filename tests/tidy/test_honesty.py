"""Nothing is put off, skipped, swallowed, or checked by a check that cannot fail."""

import ast
import re

import pytest

from tests.tidy.repository import Function, SourceFile, collected_tests, python_files, text_files

# In two parts, so that this file does not hold them.
PUT_OFF = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK")) + r")\b")
LEFT_OUT = {"skip", "skipif", "skipIf", "skipTest", "xfail", "importorskip"}
# As the Makefile has them: where tests are that run by themselves, one after another.
ALONE = ("tests/integration/", "tests/chaos/")
# Short sessions end, and a broker that several tests share comes back late, where a machine is busy with other tests.
NEEDS_THE_MACHINE = re.compile(r"TENURE_SESSION_TIMEOUT_SECONDS|\bkafka\.(?:kill|pause|stop)\(")
# What waits for something fails when it does not come.
CHECKING_CALLS = ("raises", "warns", "assert_", "check_", "expect", "until", "validate", "wait_until")


def test_nothing_is_put_off_in_a_comment() -> None:
    """A note to oneself is never read again: do it, or write down why not."""
    found = [
        f"{file.path}:{number}: {line.strip()}"
        for file in text_files()
        for number, line in enumerate(file.lines, 1)
        if file.path.parts[0] != "requirements" and PUT_OFF.search(line)
    ]
    assert found == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    """A test that does not run looks like one that passes."""
    left_out = [
        f"{file.path}:{node.lineno}: {node.attr}"
        for file in python_files()
        for node in file.nodes
        if isinstance(node, ast.Attribute) and node.attr in LEFT_OUT and _is_of_pytest(node.value)
    ]
    assert left_out == []


def test_tests_run_by_themselves_where_they_need_it_and_are_run_at_all() -> None:
    """One that is marked elsewhere is run by nobody; one that should be fails on a busy day."""
    wrong = []
    for file in text_files():
        path = str(file.path)
        is_marked = bool({"pytestmark = pytest.mark.alone", "@pytest.mark.alone"} & {*file.lines})
        is_there = path.startswith(ALONE) and file.path.name.startswith("test_")
        needs_it = is_there and (path.startswith("tests/chaos/") or NEEDS_THE_MACHINE.search(file.text) is not None)
        if (is_marked and not is_there) or (needs_it and not is_marked):
            wrong.append(path)
    assert wrong == []


def test_no_error_is_swallowed() -> None:
    """What nobody hears of is found out by a customer."""
    swallowed = [
        f"{file.path}:{node.lineno}"
        for file in python_files()
        for node in file.nodes
        if (isinstance(node, ast.ExceptHandler) and _swallows(node))
        or (isinstance(node, ast.With) and _hides_all(node))
    ]
    assert swallowed == []


def test_no_assertion_is_true_whatever_happens() -> None:
    """A check that cannot fail is a defect: it says that something was looked at."""
    idle = [
        f"{file.path}:{node.lineno}: {ast.unparse(node)}"
        for file in python_files()
        for node in file.nodes
        if isinstance(node, ast.Assert) and _is_idle(node.test)
    ]
    assert idle == []


def test_every_test_checks_something() -> None:
    """A test without an assertion passes as long as nothing crashes."""
    unchecked = [
        f"{file.path}:{function.lineno}: {function.name}"
        for file, function in collected_tests()
        if not _checks(function, file, depth=3)
    ]
    assert unchecked == []


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    f()\nexcept ValueError:\n    pass",
        "try:\n    f()\nexcept ValueError:\n    ...",
        "try:\n    f()\nexcept:\n    log(1)",
        "try:\n    f()\nexcept BaseException:\n    log(1)",
    ],
)
def test_swallowed_errors_are_recognised(code: str) -> None:
    """The rule above would hold for any code if it recognised nothing."""
    assert any(_swallows(node) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ExceptHandler))


@pytest.mark.parametrize("code", ["True", "1", "'text'", "(a == b, 'said')", "a.b == a.b", "a or True"])
def test_idle_assertions_are_recognised(code: str) -> None:
    """As above: each of these is true whatever happens."""
    assert _is_idle(ast.parse(code, mode="eval").body)


@pytest.mark.parametrize("code", ["a", "a == b", "f() == f()", "a or b", "()", "False"])
def test_assertions_that_can_fail_are_let_through(code: str) -> None:
    """A rule that cries wolf is switched off."""
    assert not _is_idle(ast.parse(code, mode="eval").body)


def _is_of_pytest(node: ast.expr) -> bool:
    return ast.unparse(node) in {"pytest", "pytest.mark", "unittest", "self"}


def _swallows(handler: ast.ExceptHandler) -> bool:
    catches_all = handler.type is None or ast.unparse(handler.type) == "BaseException"
    if catches_all and not any(isinstance(node, ast.Raise) for node in ast.walk(handler)):
        return True
    return all(isinstance(node, ast.Pass) or _is_dots(node) for node in handler.body)


def _is_dots(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _hides_all(node: ast.With) -> bool:
    hidden = {"suppress(Exception)", "suppress(BaseException)"}
    return any(ast.unparse(item.context_expr).removeprefix("contextlib.") in hidden for item in node.items)


def _is_idle(test: ast.expr) -> bool:
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Tuple(elts=elements):
            return bool(elements)
        case ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right]):
            return ast.dump(left) == ast.dump(right) and not any(isinstance(n, ast.Call) for n in ast.walk(left))
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_is_idle(value) for value in values)
        case _:
            return False


def _checks(function: Function, file: SourceFile, *, depth: int) -> bool:
    called = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rsplit(".", 1)[-1]
            if name.lstrip("_").startswith(CHECKING_CALLS):
                return True
            called.add(name)
    return depth > 0 and any(
        _checks(other, file, depth=depth - 1)
        for other in file.functions()
        if other.name in called and other != function
    )

"""Our failures stop at the guard, are said once, and switch their site off."""

import logging

import pytest

from autotrack.core.guard import Guard, warn


def fail() -> None:
    raise ValueError("broken")


def test_failure_is_swallowed_said_once_and_noted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])  # as in a program that has set up no logging
    guard, noted = Guard(), []
    guard.on_failure = noted.append
    for _ in range(2):
        assert guard.call("a site", fail) is None
    assert [failure.error for failure in noted] == ["ValueError: broken"] * 2
    assert capsys.readouterr().err.count("a site failed") == 1


def test_three_strikes_and_a_plugins_site_is_off() -> None:
    guard = Guard()
    for _ in range(5):
        guard.call_plugin("a site", fail)
    assert guard.is_off("a site")
    assert len(guard.failures) == 3
    assert not guard.is_off("another")


def test_the_core_is_never_switched_off() -> None:
    guard, noted = Guard(), []
    guard.silent, guard.on_failure = True, noted.append
    for _ in range(1000):
        guard.call("the courier", fail)
    assert guard.call("the courier", lambda: "works again") == "works again"
    assert len(guard.failures) == len(noted) == 100, "what fails each second does not fill the run"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_interrupts_pass(kind: type[BaseException]) -> None:
    guard = Guard()

    def interrupt() -> None:
        raise kind

    with pytest.raises(kind):
        guard.call("a site", interrupt)
    with pytest.raises(kind), guard.section("a site"):
        raise kind
    assert not guard.failures


def test_error_whose_text_fails() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def raise_mute() -> None:
        raise Mute

    guard = Guard()
    guard.call("a site", raise_mute)
    assert guard.failures[0].error == "Mute: <no message>"


def test_warning_goes_to_the_programs_logging_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    records: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record.getMessage())

    handler = Keep()
    logging.root.addHandler(handler)
    warn("said")
    logging.root.removeHandler(handler)
    assert records == ["said"]
    assert capsys.readouterr().err == ""


def test_a_guarded_function_answers_until_it_has_failed_three_times() -> None:
    guard, asked = Guard(), []
    guard.silent = True

    def divided(one: int, other: int) -> float:
        asked.append((one, other))
        return one / other

    safe = guard.guarded("a site", divided)
    assert safe(6, 3) == 2
    assert [safe(1, 0) for _ in range(5)] == [None] * 5
    assert len(asked) == 4 and len(guard.failures) == 3 and guard.is_off("a site")
    with pytest.raises(KeyboardInterrupt):
        Guard().guarded("a site", _interrupted)()


def _interrupted() -> None:
    raise KeyboardInterrupt

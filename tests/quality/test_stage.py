"""The check stage over a real workspace: what is new is looked at, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from engine.errors import CheckFailed, UsageError
from engine.models import Example, Filter, Flag, Provenance, Turn, example_id
from engine.quality import stage
from engine.quality.base import Check, Finding
from engine.quality.checks import CHECKS, CheckOptions
from engine.quality.child import check_and_decide, check_apart
from engine.schema import plain
from engine.settings import CheckRule
from engine.workspace import Workspace, init_workspace, open_workspace

KEY = "AKIA" + "QYLPMN5HNGY3WAB7"
FEW = ("secrets", "quality")


def talk(number: int, answer: str = "") -> Example:
    turns = (
        Turn("user", f"What did you mend on day {number}?"),
        Turn("assistant", answer or f"On day {number} I mended the winch, and it holds now."),
    )
    return Example(example_id(turns), "qa", turns, Provenance("", f"{number}.md", 1, 2))


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    opened = open_workspace(init_workspace(tmp_path / "ws"))
    fill(opened, [talk(0), talk(1, f"The key is {KEY}, as I said."), talk(2)])
    return opened


def fill(space: Workspace, examples: Sequence[Example]) -> None:
    source = space.store.add_source("vault", "/notes")
    space.store.record_scan(source.id, examples, [], len(examples), at=1.0)


def test_looks_at_everything_once_and_then_at_what_is_new(space: Workspace) -> None:
    first = stage.check(space, names=FEW)
    assert (first.looked, first.current, first.cancelled) == (3, 0, False)
    assert first.flags["secret"] == 1
    secret = space.store.card(talk(1, f"The key is {KEY}, as I said.").id)
    assert {flag.kind for flag in secret.flags} >= {"secret"}
    assert all(KEY not in flag.reason for flag in secret.flags)
    flag = next(flag for flag in secret.flags if flag.kind == "secret")
    assert secret.turns[flag.turn].content[flag.start : flag.end] == KEY
    assert all(card.checked and "quality" in card.measures for card in space.store.cards())

    again = stage.check(space, names=FEW)
    assert (again.looked, again.current) == (0, 3)
    fill(space, [talk(0), talk(1, f"The key is {KEY}, as I said."), talk(2), talk(3)])
    more = stage.check(space, names=FEW)
    assert (more.looked, more.current) == (1, 3)
    assert stage.check(space, names=FEW, again=True).looked == 4


def test_a_later_check_says_what_stands_besides(space: Workspace) -> None:
    assert stage.check(space, names=("secrets",)).flags == {"secret": 1}
    later = stage.check(space, names=("quality",))
    assert later.looked == 3
    assert later.flags["secret"] == 1


def test_an_edited_example_is_looked_at_again(space: Workspace) -> None:
    stage.check(space, names=FEW)
    clean = talk(0)
    said = (clean.turns[0], Turn("assistant", f"It is {KEY}."))
    space.store.append("edit", clean.id, turns=said, at=2.0)
    report = stage.check(space, names=FEW)
    assert report.looked == 1
    assert [flag.kind for flag in space.store.card(clean.id).flags][:1] == ["secret"]


def test_only_what_is_named_is_looked_at(space: Workspace) -> None:
    report = stage.check(space, names=FEW, example_ids=[talk(2).id])
    assert (report.looked, report.current) == (1, 0)
    assert not space.store.card(talk(0).id).checked
    with pytest.raises(UsageError, match="no check 'spelling'"):
        stage.check(space, names=("spelling",))


class _Moody:
    """A check that can't look at every text."""

    name = "safety"

    def __init__(self, version: str = "1") -> None:
        self.version = version

    def look(self, turns: Sequence[Turn]) -> Finding:
        said = turns[-1].content
        if "day 0" in said:
            raise CheckFailed("too dark to read", hint="light a lamp")
        if "day 2" in said:
            raise ZeroDivisionError(said)
        return Finding((Flag("safety", "violent", 0.5, "loud"),))


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def use(version: str) -> None:
        def make(_: CheckOptions) -> Check:
            return _Moody(version)

        monkeypatch.setattr("engine.quality.checks.CHECKS", {**CHECKS, "safety": make})
        stage._made.clear()

    use("1")
    return use


def test_what_can_t_be_looked_at_is_told_by_example_and_tried_again(
    space: Workspace, moody: Callable[[str], None]
) -> None:
    report = stage.check(space, names=("safety",))
    assert report.looked == 1
    by_id = {failure.example_id: failure for failure in report.failed}
    assert by_id[talk(0).id].message == "too dark to read"
    assert by_id[talk(0).id].hint == "light a lamp"
    assert by_id[talk(2).id].message == "ZeroDivisionError in the check"
    assert stage.check(space, names=("safety",)).current == 1


def test_a_new_version_of_a_check_looks_again(
    space: Workspace, moody: Callable[[str], None]
) -> None:
    stage.check(space, names=("safety",))
    assert stage.check(space, names=("safety",)).looked == 0
    moody("2")
    assert stage.check(space, names=("safety",)).looked == 1


def test_many_examples_are_spread_over_processes_with_the_same_result(tmp_path: Path) -> None:
    found = []
    for name, spreads in (("apart", True), ("here", False)):
        with open_workspace(init_workspace(tmp_path / name)) as space:
            fill(space, [talk(number) for number in range(stage._FEW + 70)])
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(stage, "can_spread", lambda spreads=spreads: spreads)
                seen: list[tuple[int, int]] = []
                report = stage.check(
                    space, names=FEW, progress=lambda *now, seen=seen: seen.append(now)
                )
            assert report.looked == stage._FEW + 70
            assert seen[-1] == (stage._FEW + 70, stage._FEW + 70)
            assert seen == sorted(seen)
            found.append([(card.flags, dict(card.measures)) for card in space.store.cards()])
    assert found[0] == found[1]


def test_what_was_done_before_a_stop_is_kept(tmp_path: Path) -> None:
    with open_workspace(init_workspace(tmp_path / "ws")) as space:
        fill(space, [talk(number) for number in range(3 * stage.PARCEL)])
        stopped = stage.check(space, names=FEW, cancelled=lambda: True)
        assert stopped.cancelled
        assert stopped.looked == stage.PARCEL
        rest = stage.check(space, names=FEW)
        assert (rest.looked, rest.current) == (2 * stage.PARCEL, stage.PARCEL)


def test_rules_decide_what_nobody_has_and_are_undone(space: Workspace) -> None:
    secret = talk(1, f"The key is {KEY}, as I said.").id
    rules = tmp_rules(space, CheckRule(action="reject", flag="secret"))
    report = check_and_decide(rules, names=FEW)
    assert report.decided == {"reject": 1}
    assert space.store.card(secret).state == "rejected"
    assert space.store.journal(limit=1)[0].session == "rule:reject secret"
    assert check_and_decide(rules, names=FEW).decided == {}
    # What a person takes back stays taken back.
    space.store.undo(at=3.0)
    assert check_and_decide(rules, names=FEW).decided == {}
    assert space.store.card(secret).state == "undecided"


def test_a_rule_never_overrides_a_person(space: Workspace) -> None:
    secret = talk(1, f"The key is {KEY}, as I said.").id
    space.store.append("approve", secret, at=2.0)
    rules = tmp_rules(space, CheckRule(action="reject", flag="secret:aws-access-key"))
    assert check_and_decide(rules, names=FEW).decided == {}
    assert space.store.card(secret).state == "approved"


def test_without_rules_nothing_is_decided(space: Workspace) -> None:
    assert check_and_decide(space, names=FEW).decided == {}
    assert space.store.queue_size(Filter(states=("undecided",))) == 3


def tmp_rules(space: Workspace, *rules: CheckRule) -> Workspace:
    lines = []
    for rule in rules:
        lines.append("[[check.rules]]")
        lines += [f"{key} = {value!r}" for key, value in plain(rule).items()]
    (space.root / "finetui.toml").write_text("\n".join(lines) + "\n", "utf-8")
    return open_workspace(space.root)


def test_runs_in_a_process_of_its_own(space: Workspace) -> None:
    seen: list[tuple[int, int]] = []
    report = check_apart(space.root, names=FEW, progress=lambda *now: seen.append(now))
    assert (report.looked, report.flags["secret"]) == (3, 1)
    assert seen[-1] == (3, 3)
    with pytest.raises(UsageError, match="no check"):
        check_apart(space.root, names=("spelling",))


def test_a_killed_check_leaves_a_sound_workspace(tmp_path: Path) -> None:
    root = init_workspace(tmp_path / "ws")
    with open_workspace(root) as space:
        fill(space, [talk(number) for number in range(40 * stage.PARCEL)])
        child = subprocess.Popen(
            [sys.executable, "-m", "tui", "check", "--only", "quality", "--workspace", str(root)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 60
        while not space.store.check_versions("quality") and child.poll() is None:
            assert time.monotonic() < deadline
            os.sched_yield()
        child.send_signal(signal.SIGKILL)
        child.wait()
        done = len(space.store.check_versions("quality"))
        assert done > 0
        rest = stage.check(space, names=("quality",))
        assert rest.current >= done
        assert rest.looked + rest.current == 40 * stage.PARCEL


@pytest.mark.parametrize(
    "said",
    ["", "x", "\ud83d half", "nul\0 here", "שלום עולם", "é́́" * 50, "wo " * 350_000],
    ids=["empty", "one", "surrogate", "nul", "rtl", "combining", "megabyte"],
)
def test_any_text_is_looked_at(tmp_path: Path, said: str) -> None:
    with open_workspace(init_workspace(tmp_path / "ws")) as space:
        turns = (Turn("user", "Why?"), Turn("assistant", said))
        odd = Example(example_id(turns), "qa", turns, Provenance("", "odd.md", 1, 2))
        fill(space, [odd])
        report = stage.check(space)
        assert (report.looked, report.failed) == (1, ())
        assert space.store.card(odd.id).checked

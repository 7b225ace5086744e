"""Who did what they could not, and who could not do what they may."""

import pytest

from checkers.authorisation import AuthorisationChecker
from checkers.checker import Budget
from checkers.history import History, Op, OpType
from checkers.verdict import Answer, Verdict

KEY_A: list[str | None] = ["a", None]
DENIED = "PERMISSION_DENIED: etcdserver: permission denied"


class Story:
    """A history as it is told: every line is an op of a process of its own, unless it ends one."""

    def __init__(self) -> None:
        self.ops: list[Op] = []

    def begin(self, f: str, **value: object) -> int:
        self._add(len(self.ops), OpType.INVOKE, f, value, None)
        return len(self.ops) - 1

    def end(self, call: int, outcome: OpType = OpType.OK, error: str | None = None) -> None:
        self._add(call, outcome, self.ops[call].f, None, error)

    def do(
        self, f: str, outcome: OpType = OpType.OK, error: str | None = None, **value: object
    ) -> None:
        self.end(self.begin(f, **value), outcome, error)

    def read(self, key: str = "a", *, end: str | None = None, denied: bool = False) -> None:
        outcome, error = (OpType.FAIL, DENIED) if denied else (OpType.OK, None)
        self.do("as-user", outcome, error, user="u", reads=[[key, end]])

    def _add(
        self, process: int, kind: OpType, f: str, value: dict[str, object] | None, error: str | None
    ) -> None:
        index = len(self.ops)
        op = Op(index=index, time=index, process=process, type=kind, f=f, value=value, error=error)
        self.ops.append(op)

    @property
    def verdict(self) -> Verdict:
        return AuthorisationChecker().check(History(self.ops), Budget())


@pytest.fixture
def story() -> Story:
    """Begin where authentication is enabled."""
    story = Story()
    story.do("enable")
    return story


def grant(story: Story, f: str = "grant") -> int:
    return story.begin(f, user="u", key="a")


def test_what_was_granted_may_be_done(story: Story) -> None:
    story.end(grant(story))
    story.read()
    assert story.verdict.answer is Answer.VALID


def test_what_nobody_granted_may_not_be_done(story: Story) -> None:
    story.read()
    assert story.verdict.answer is Answer.INVALID
    assert story.verdict.reason == (
        "operation 2 of u was carried out (None), though u could not read 'a'..None then"
    )


@pytest.mark.parametrize(("key", "end"), [("b", None), ("a", "b"), ("a", "\0")])
def test_a_key_that_was_granted_is_no_more_than_that(
    story: Story, key: str, end: str | None
) -> None:
    story.end(grant(story))
    story.read(key, end=end)
    assert story.verdict.answer is Answer.INVALID


def test_an_interval_of_one_key_is_that_key(story: Story) -> None:
    story.end(grant(story))
    story.read("a", end="a\0")
    assert story.verdict.answer is Answer.VALID


def test_to_read_is_not_to_write(story: Story) -> None:
    story.do("grant", user="u", key="a", write=False)
    story.do("as-user", user="u", writes=[KEY_A])
    assert story.verdict.answer is Answer.INVALID


def test_what_was_revoked_may_not_be_done(story: Story) -> None:
    story.end(grant(story))
    story.end(grant(story, "revoke"))
    story.read()
    assert story.verdict.answer is Answer.INVALID


def test_what_was_granted_again_may_be_done(story: Story) -> None:
    for f in ("grant", "revoke", "grant"):
        story.end(grant(story, f))
    story.read()
    assert story.verdict.answer is Answer.VALID


def test_what_is_being_revoked_may_go_either_way(story: Story) -> None:
    story.end(grant(story))
    revoking = grant(story, "revoke")
    story.read()
    story.read(denied=True)
    story.end(revoking)
    assert story.verdict.answer is Answer.VALID


def test_a_grant_of_unknown_outcome_may_come_later(story: Story) -> None:
    story.end(grant(story), OpType.INFO, "timed out")
    story.end(grant(story, "revoke"))
    story.read()
    story.read(denied=True)
    assert story.verdict.answer is Answer.VALID


def test_a_revocation_of_unknown_outcome_may_never_come(story: Story) -> None:
    story.end(grant(story))
    story.end(grant(story, "revoke"), OpType.INFO, "timed out")
    story.read()
    story.read(denied=True)
    assert story.verdict.answer is Answer.VALID


def test_a_grant_that_did_not_happen_permits_nothing(story: Story) -> None:
    story.end(grant(story), OpType.FAIL, "no leader")
    story.read()
    assert story.verdict.answer is Answer.INVALID


def test_what_is_granted_may_not_be_denied(story: Story) -> None:
    story.end(grant(story))
    story.read(denied=True)
    assert story.verdict.answer is Answer.INVALID
    assert story.verdict.reason == (
        "operation 4 of u was denied (None), though all of it was permitted"
    )


def test_other_refusals_prove_nothing(story: Story) -> None:
    story.end(grant(story))
    story.do("as-user", OpType.FAIL, "revision of auth store is old", user="u", reads=[KEY_A])
    story.do("as-user", OpType.INFO, "timed out", user="u", reads=[["z", None]])
    assert story.verdict.answer is Answer.VALID


def test_root_may_everything(story: Story) -> None:
    story.do("as-user", user="root", reads=[["a", "\0"]])
    assert story.verdict.answer is Answer.VALID


def test_nothing_is_judged_before_everybody_is_asked() -> None:
    story = Story()
    story.read()
    assert story.verdict.answer is Answer.UNKNOWN
    story.do("enable")
    assert story.verdict.reason == "no user asked for anything"


def test_what_cannot_be_read_is_unknown(story: Story) -> None:
    story.do("as-user", user=3)
    assert story.verdict.answer is Answer.UNKNOWN

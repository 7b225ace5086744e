"""Who calls, and whether they may now."""

from pathlib import Path

import grpc
import pytest

from nodeimpl.api.errors import NO_LEADER, NOT_SUPPORTED_FOR_LEARNER, USER_EMPTY
from nodeimpl.api.rpc_pb2 import AuthEnableRequest, PutRequest, RangeRequest
from nodeimpl.boundary import ByCertificate, ByClaims, ByToken
from nodeimpl.ids import NodeId, RequestId
from nodeimpl.raft.configuration import Configuration
from nodeimpl.raft.state import ConfigurationAt
from nodeimpl.server.driver import DAEMON, ApiFailure, Driver
from nodeimpl.server.grpc_serving import Context
from nodeimpl.server.reception import Reception
from nodeimpl.server.signed_tokens import signed_tokens
from tests.nodeimpl.mvcc.auth.guarded import set_up
from tests.nodeimpl.server.rigs import OWN, with_driver, with_leader

TOKEN = "chance.1"  # noqa: S105


class Caller:
    """What a call shows of who makes it."""

    def __init__(self, name: str | None = None, **metadata: str | bytes) -> None:
        self._name, self._metadata = name, tuple(metadata.items())

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self._metadata

    def auth_context(self) -> dict[str, list[bytes]]:
        return {} if self._name is None else {"x509_common_name": [self._name.encode()]}


def context(name: str | None = None, **metadata: str | bytes) -> Context:
    caller: object = Caller(name, **metadata)
    return caller  # type: ignore[return-value]  # all that the reception looks at


async def guarded(driver: Driver) -> Driver:
    """Have everybody say who they are."""
    for command in (*set_up(), AuthEnableRequest()):
        await driver.ask(command)  # type: ignore[arg-type]  # all of them are requests
    return driver


def test_nobody_has_to_say_who_they_are_at_first() -> None:
    async def story(driver: Driver) -> None:
        assert Reception(driver, by_certificate=True).caller(context("alice", token=TOKEN)) is None

    with_leader(story)


def test_a_token_counts_more_than_a_certificate() -> None:
    async def story(driver: Driver) -> None:
        reception = Reception(await guarded(driver), by_certificate=True)
        assert reception.caller(context("alice", token=TOKEN)) == ByToken(TOKEN)
        assert reception.caller(context("alice", authorization=b"a.1")) == ByToken("a.1")
        assert reception.caller(context("alice")) == ByCertificate("alice")
        assert reception.caller(context()) is None

    with_leader(story)


def test_certificates_count_only_where_they_are_asked_for() -> None:
    async def story(driver: Driver) -> None:
        reception = Reception(await guarded(driver), by_certificate=False)
        assert reception.caller(context("alice")) is None
        with pytest.raises(ApiFailure) as failure:
            reception.require_root(context("root"))
        assert failure.value.error is USER_EMPTY

    with_leader(story)


def test_a_signed_token_says_whose_it_is(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"a secret that is long enough for its hash")
    signed = signed_tokens(f"jwt,sign-method=HS256,priv-key={tmp_path / 'secret'}")
    assert signed is not None
    token = signed.made_for("alice", 5, 32_503_680_000.0)
    assert token is not None

    async def story(driver: Driver) -> None:
        reception = Reception(await guarded(driver), by_certificate=False, signed=signed)
        assert reception.caller(context(token=token)) == ByClaims("alice", 5)
        assert reception.caller(context(token=token[:-3])) == ByToken(token[:-3])

    with_leader(story)


def test_who_wants_a_leader_is_refused_without_one() -> None:
    async def story(driver: Driver) -> None:
        reception = Reception(driver, by_certificate=False)
        reception.admit(context())
        with pytest.raises(ApiFailure) as failure:
            reception.admit(context(hasleader="true"))
        assert failure.value.error is NO_LEADER

    with_driver(story, 1, 2, 3)


def test_a_learner_answers_nothing_but_serializable_ranges() -> None:
    async def story(driver: Driver) -> None:
        reception = Reception(driver, by_certificate=False)
        learning = Configuration(voters=(NodeId(2),), learners=(OWN,))
        place = ConfigurationAt(driver.node.applied_index, RequestId(0), learning)
        driver.node.raft.state.configurations.append(place)  # as if it had been told so
        reception.admit(context(), RangeRequest(key=b"k", serializable=True))
        for request in (RangeRequest(key=b"k"), PutRequest(key=b"k"), None):
            with pytest.raises(ApiFailure) as failure:
                reception.admit(context(), request)
            assert failure.value.error is NOT_SUPPORTED_FOR_LEARNER

    with_leader(story)


def test_root_may_do_what_goes_past_the_store() -> None:
    async def story(driver: Driver) -> None:
        reception = Reception(await guarded(driver), by_certificate=True)
        reception.require_root(context("root"))
        with pytest.raises(ApiFailure, match="permission denied"):
            reception.require_root(context("alice"))
        assert driver.operator_error(DAEMON) is None

    with_leader(story)


def test_codes_are_grpc_s() -> None:
    assert grpc.StatusCode.UNAVAILABLE.value[0] == NO_LEADER.code

"""Judges what nodes say of leases, against the log that was committed and the time that passed.

Four rules, each in constant time, and none of them the node's own word on time:

- **No early end.** Who is told that a lease has so many seconds may count on them from when it
  asked: no expiry is committed before (etcd, learning/api: Lease).
- **None outlives its time** by more than what a new leader gives it. Judged at the end of a trial,
  when leaders stay.
- **No word on the dead, no death of the living.** A node that says that a lease lives, or that
  there is none, says what was so at some time between question and answer.
- **Expiry is the leader's, of the grant it speaks of**: one of another term, or of an earlier
  grant of the id, has no effect.

Time is judged as long as no fault bends clocks, and nothing once an alarm has been raised, which
has commands refused. What is left of a promise to a drifting clock is a thousandth.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from harness.environments.simulation.oracle import Breach
from nodeimpl.api.errors import ApiError
from nodeimpl.api.requests import ApiRequest, ApiResponse
from nodeimpl.api.rpc_pb2 import (
    AlarmRequest,
    LeaseGrantRequest,
    LeaseGrantResponse,
    LeaseKeepAliveRequest,
    LeaseKeepAliveResponse,
    LeaseRevokeRequest,
    LeaseTimeToLiveRequest,
    LeaseTimeToLiveResponse,
)
from nodeimpl.ids import SECOND
from nodeimpl.mvcc.auth.identity import split_identity
from nodeimpl.mvcc.commands import ExpireLease, decode_command
from nodeimpl.raft.messages import Entry

_KINDS: Final = frozenset({5, 6, 7, 128})
"""Of commands: grants, revocations, alarms, expiries (`nodeimpl.mvcc.commands`)."""
_DRIFT: Final = 1_000
"""Of so many seconds a clock may be wrong by one: five times what healthy ones drift."""

_ASKING: Final = (LeaseGrantRequest, LeaseKeepAliveRequest, LeaseTimeToLiveRequest)


@dataclass(slots=True)
class _Tenure:
    """A lease from one grant to its end, in virtual time."""

    grant: int
    ttl_s: int
    since: int
    until: int | None = None
    """None while it lasts."""
    has_expired: bool = False
    """Whether its leader ended it; otherwise a client did."""
    promised_until: int = 0
    promised_by: str = ""


class _Asked(msgspec.Struct, frozen=True, gc=False):
    request: ApiRequest
    at: int


class LeasePromises:
    """What was promised of every lease, and what the log made of it."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._tenures: dict[int, list[_Tenure]] = {}
        self._grant_count = 0
        self._asked: dict[tuple[str, int], _Asked] = {}
        self._is_judging = True
        self._is_timing = True

    def clocks_are_bent(self) -> None:
        """Judge time no more: a fault has begun to make clocks run as they should not."""
        self._is_timing = False

    # ------------------------------------------------------------ what is asked and answered
    def asked(self, node: str, tag: int, request: ApiRequest) -> None:
        """Note that a request arrives, if it is one about the life of a lease."""
        if isinstance(request, _ASKING):
            self._asked[node, tag] = _Asked(request, self._now())

    def answered(self, node: str, tag: int, body: ApiResponse | ApiError) -> None:
        """Judge an answer; raise `Breach`."""
        if not self._asked:
            return
        asked = self._asked.pop((node, tag), None)
        if asked is None or not self._is_judging:
            return
        match body:
            case LeaseGrantResponse() | LeaseKeepAliveResponse():
                lives = body.TTL > 0
            case LeaseTimeToLiveResponse():
                lives = body.TTL >= 0
            case _:
                return
        if lives:
            self._judge_life(node, body.ID, asked.at, body.TTL)
        else:
            self._judge_absence(node, body.ID, asked.at)

    def crashed(self, node: str) -> None:
        """Note that a node's clients will not be answered."""
        if self._asked:
            self._asked = {key: asked for key, asked in self._asked.items() if key[0] != node}

    def _judge_life(self, node: str, lease: int, asked_at: int, ttl_s: int) -> None:
        """Judge that a lease is said to live for so long, and remember it."""
        possible = [
            tenure
            for tenure in self._tenures.get(lease, ())
            if tenure.until is None or tenure.until >= asked_at
        ]
        if not possible:
            raise Breach(
                "No word on dead leases (etcd, learning/api: Lease)",
                f"{node} says that lease {lease} has {ttl_s} s to live, but it had ended before "
                f"that was asked",
            )
        if len(possible) > 1:
            return  # It was granted anew meanwhile: nobody can tell which was meant.
        [tenure] = possible
        promised_until = asked_at + ttl_s * SECOND - ttl_s * SECOND // _DRIFT
        if promised_until > tenure.promised_until:
            tenure.promised_until = promised_until
            tenure.promised_by = f"{node} at {_seconds(asked_at)} for {ttl_s} s"
        if tenure.has_expired:
            self._judge_end(lease, tenure)

    def _judge_absence(self, node: str, lease: int, asked_at: int) -> None:
        """Judge that there is said to be no such lease."""
        for tenure in self._tenures.get(lease, ()):
            if tenure.until is None and tenure.since < asked_at:
                raise Breach(
                    "No death of living leases (etcd, learning/api: Lease)",
                    f"{node} says that there is no lease {lease}, but there has been one since "
                    f"{_seconds(tenure.since)}",
                )

    def judge_rest(self, undisturbed_since: int, extension_ns: int) -> None:
        """Judge that no lease has outlived its time.

        Since then one leader leads and nobody keeps a lease alive: it lives for its TTL, and
        `extension_ns` more at most.
        """
        if not self._is_judging or not self._is_timing:
            return
        for lease, tenures in self._tenures.items():
            tenure = tenures[-1]
            alone_since = max(undisturbed_since, tenure.since)
            lifetime_ns = tenure.ttl_s * SECOND + extension_ns
            if tenure.until is None and self._now() > alone_since + lifetime_ns:
                raise Breach(
                    "Leases end (etcd, learning/api: Lease)",
                    f"lease {lease} lives at {_seconds(self._now())}, though nobody has kept it "
                    f"alive since {_seconds(alone_since)}",
                )

    # ------------------------------------------------------------ what is committed
    def committed(self, entry: Entry) -> None:
        """Judge a command that is committed, if it is about leases; raise `Breach`."""
        data, _ = split_identity(entry.data)
        if not data or data[0] not in _KINDS:
            return
        _, command = decode_command(data)
        match command:
            case LeaseGrantRequest():
                self._granted(command.ID, command.TTL)
            case LeaseRevokeRequest():
                self._ended(command.ID)
            case ExpireLease() if command.term == entry.term:
                tenure = self._living(command.lease_id)
                if tenure is not None and tenure.grant == command.grant:
                    self._ended(command.lease_id)
                    tenure.has_expired = True
                    self._judge_end(command.lease_id, tenure)
            case AlarmRequest():
                self._is_judging = False
            case _:
                pass

    def _living(self, lease: int) -> _Tenure | None:
        tenures = self._tenures.get(lease)
        return tenures[-1] if tenures and tenures[-1].until is None else None

    def _granted(self, lease: int, ttl_s: int) -> None:
        if self._living(lease) is None:
            self._grant_count += 1
            tenure = _Tenure(self._grant_count, ttl_s, self._now())
            self._tenures.setdefault(lease, []).append(tenure)

    def _ended(self, lease: int) -> None:
        tenure = self._living(lease)
        if tenure is not None:
            tenure.until = self._now()

    def _judge_end(self, lease: int, tenure: _Tenure) -> None:
        assert tenure.until is not None, "an expiry ends a lease"
        if self._is_judging and self._is_timing and tenure.until < tenure.promised_until:
            raise Breach(
                "No early end of leases (etcd, learning/api: Lease)",
                f"lease {lease} expires at {_seconds(tenure.until)}, but {tenure.promised_by} had "
                f"promised that it lives",
            )


def _seconds(instant: int) -> str:
    return f"{instant / SECOND:.3f} s"

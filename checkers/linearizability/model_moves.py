"""What the operations of any model do, found out by asking the model (see `sweep`).

The model's `step` says what is legal and where it leads; each answer is remembered, and states and
operations are numbered, so a model may be as slow as it likes. Two abilities help (`models.model`):

- `Pure`: operations that never change the state are done as soon as they are legal.
- `Absorbing`: what another operation hides becomes optional when that one is applied. What has no
  effect in the state at hand is optional anyway.
"""

from collections.abc import Hashable, Sequence, Sized
from typing import Final, Generic, TypeAlias, TypeVar

from checkers.linearizability.interval import Interval
from checkers.linearizability.sweep import Configuration, CrashedKind
from checkers.models.model import Absorbing, Model, Pure

StateT = TypeVar("StateT", bound=Hashable)
OperationT = TypeVar("OperationT", bound=Hashable)

_Configuration: TypeAlias = Configuration[int]

_ILLEGAL: Final = -1


class ModelMoves(Generic[StateT, OperationT]):
    """The open operations of any model; a `Moves`. A state is the number of a state.

    If `reusable`, an operation of unknown outcome may take effect any number of times.
    """

    __slots__ = (
        "_absorbed",
        "_absorbs",
        "_aimed_at",
        "_bit",
        "_crashed",
        "_free_of",
        "_kinds",
        "_model",
        "_mover_of",
        "_operations",
        "_pure_kinds",
        "_pure_of",
        "_reusable",
        "_state_numbers",
        "_states",
        "_steps",
        "_width",
        "active",
        "guard",
        "movers",
        "pure",
        "remembered",
        "start",
    )

    def __init__(
        self,
        intervals: Sequence[Interval[OperationT]],
        model: Model[StateT, OperationT],
        *,
        reusable: bool = False,
    ) -> None:
        self._model: Final = model
        self._absorbs: Final = model if isinstance(model, Absorbing) else None
        self._reusable: Final = reusable
        numbers: dict[OperationT, int] = {}
        self._kinds: Final = [
            numbers.setdefault(interval.operation, len(numbers)) for interval in intervals
        ]
        self._operations: Final = list(numbers)
        self._pure_kinds: Final = (
            frozenset(number for operation, number in numbers.items() if model.pure(operation))
            if isinstance(model, Pure)
            else frozenset[int]()
        )
        self.active: Sequence[int] = [
            place
            for place, kind in enumerate(self._kinds)
            if intervals[place].ret is not None or kind not in self._pure_kinds
        ]
        self._states: Final[list[StateT]] = [model.initial]
        self._state_numbers: Final[dict[StateT, int]] = {model.initial: 0}
        self._steps: Final[list[dict[int, int]]] = [{}]
        self.remembered = 0
        self.start = 0
        # Open operations by bit, as their kinds.
        self._pure_of: Final[dict[int, int]] = {}
        self._mover_of: Final[dict[int, int]] = {}
        self.pure = 0
        self.movers = 0
        self._crashed: Final[dict[int, CrashedKind]] = {}
        self._width: Final = 1 + sum(interval.ret is None for interval in intervals).bit_length()
        self.guard = 0
        # Remembered until an operation opens or closes: by state, the bits of open operations that
        # are pure and legal, and of those without effect; by kind, of those it absorbs.
        self._free_of: Final[dict[int, tuple[int, int]]] = {}
        self._absorbed: Final[dict[int, int]] = {}
        self._aimed_at = self._bit = 0

    # ------------------------------------------------------------ operations come and go

    def begin(self, place: int, bit: int) -> None:
        """Call the operation at `place`."""
        kind = self._kinds[place]
        if kind in self._pure_kinds:
            self._pure_of[bit] = kind
            self.pure |= bit
        else:
            self._mover_of[bit] = kind
            self.movers |= bit
        self._forget()

    def finish(self, place: int, bit: int) -> None:
        """Forget the operation at `place`."""
        if self._kinds[place] in self._pure_kinds:
            del self._pure_of[bit]
            self.pure ^= bit
        else:
            del self._mover_of[bit]
            self.movers ^= bit
        self._forget()

    def _forget(self) -> None:
        self._free_of.clear()
        self._absorbed.clear()

    def crash(self, place: int) -> None:
        """Call the operation at `place`, whose outcome is unknown."""
        number = self._kinds[place]
        kind = self._crashed.get(number)
        if kind is None:
            kind = self._crashed[number] = CrashedKind(
                number=len(self._crashed), width=self._width, reusable=self._reusable
            )
            self.guard |= kind.guard
        kind.limit += kind.unit

    def uncrash(self, place: int) -> None:
        """Undo the `crash` of the operation at `place`."""
        kind = self._crashed[self._kinds[place]]
        kind.limit -= kind.unit

    # ------------------------------------------------------------ the model's answers

    def _step(self, state: int, kind: int) -> int:
        """Return the state after an operation of `kind`, or `_ILLEGAL`."""
        steps = self._steps[state]
        after = steps.get(kind)
        if after is None:
            found = self._model.step(self._states[state], self._operations[kind])
            after = steps[kind] = _ILLEGAL if found is None else self._number(found)
        return after

    def _number(self, state: StateT) -> int:
        number = self._state_numbers.get(state)
        if number is None:
            number = self._state_numbers[state] = len(self._states)
            self._states.append(state)
            self._steps.append({})
            self.remembered += _size(state)
        return number

    def _free(self, state: int) -> tuple[int, int]:
        """Return the bits of what is pure and legal in `state`, and of what has no effect there."""
        free = self._free_of.get(state)
        if free is None:
            legal = without_effect = 0
            for bit, kind in self._pure_of.items():
                if self._step(state, kind) != _ILLEGAL:
                    legal |= bit
            for bit, kind in self._mover_of.items():
                if self._step(state, kind) == state:
                    without_effect |= bit
            free = self._free_of[state] = legal, without_effect
        return free

    def _absorbed_by(self, kind: int) -> int:
        """Return the bits of the open operations that one of `kind` hides."""
        if self._absorbs is None:
            return 0
        absorbed = self._absorbed.get(kind)
        if absorbed is None:
            absorbed = 0
            writer, operations = self._operations[kind], self._operations
            for bit, earlier in self._mover_of.items():
                if self._absorbs.absorbs(writer, operations[earlier]):
                    absorbed |= bit
            self._absorbed[kind] = absorbed
        return absorbed

    # ------------------------------------------------------------ at a return

    def settle(self, configurations: Sequence[_Configuration], moment: int) -> list[_Configuration]:
        """Return `configurations` with legal pure operations done and others optional."""
        del moment  # the model does not say what nobody will notice
        return [self._settled(*configuration) for configuration in configurations]

    def _settled(self, state: int, done: int, optional: int, used: int) -> _Configuration:
        legal, without_effect = self._free(state)
        return state, done | legal, optional | (without_effect & ~done), used

    def noticeable(self, place: int, moment: int) -> bool:
        """Return True: the model does not say."""
        del place, moment
        return True

    def aim(self, place: int, bit: int) -> None:
        """Make the operation at `place` the end of chains."""
        self._aimed_at, self._bit = self._kinds[place], bit

    def land(self, configuration: _Configuration) -> _Configuration | None:
        """Return `configuration` with what was aimed at done; None if illegal."""
        state, done, optional, used = configuration
        bit, kind = self._bit, self._aimed_at
        if bit & self.pure:
            return (state, done ^ bit, optional, used) if done & bit else None
        after = self._step(state, kind)
        if after == _ILLEGAL:
            return None
        optional |= self._absorbed_by(kind) & ~done
        after, done, optional, used = self._settled(after, done | bit, optional & ~bit, used)
        return after, done ^ bit, optional, used

    def successors(self, configuration: _Configuration) -> list[_Configuration]:
        """Return what one more operation leads to, unless it has no effect and hides nothing."""
        state, done, optional, used = configuration
        found: list[_Configuration] = []
        not_this = ~(done | self._bit)
        for bit, kind in self._mover_of.items():
            if bit & not_this:
                self._add(kind, (state, done | bit, optional & ~bit, used), optional, found)
        for kind, crashed in self._crashed.items():
            if used & crashed.mask < crashed.limit:
                self._add(kind, (state, done, optional, used + crashed.cost), optional, found)
        return found

    def _add(
        self, kind: int, before: _Configuration, optional: int, found: list[_Configuration]
    ) -> None:
        """Add what an operation of `kind` leads to from `before`, which counts it as done."""
        state, done, its_optional, used = before
        after = self._step(state, kind)
        hidden = self._absorbed_by(kind) & ~done
        if after != _ILLEGAL and (after != state or hidden & ~optional):
            found.append(self._settled(after, done, its_optional | hidden, used))


def _size(state: object) -> int:
    """Return how much memory `state` takes, about, in configurations of some 256 bytes."""
    entries = _length(state)
    if isinstance(state, tuple):
        entries += sum(map(_length, state))
    return 2 + entries // 16


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0

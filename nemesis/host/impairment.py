"""What a link does to packets, as the receiver's host imposes it on those of one sender."""

from dataclasses import asdict, dataclass

from nemesis.host.request import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """What befalls the packets of one sender. Times are nanoseconds, probabilities in [0, 1]."""

    is_cut: bool = False
    """Every packet is dropped."""
    loss: float = 0.0
    delay_ns: int = 0
    jitter_ns: int = 0
    """An even draw from [0, jitter_ns] is added to the delay; order is kept."""
    duplicate: float = 0.0
    reorder: float = 0.0
    """How likely a packet waits up to `window_ns` more, so that later ones overtake it."""
    window_ns: int = 0
    rate_bytes: int = 0
    """How many bytes pass in a second; 0: as many as will."""

    @property
    def is_queued(self) -> bool:
        """Whether packets must be looked at one by one."""
        is_timed = bool(self.delay_ns or self.jitter_ns or self.reorder or self.rate_bytes)
        return not self.is_cut and bool(is_timed or self.loss or self.duplicate)

    @property
    def is_none(self) -> bool:
        """Whether packets simply pass."""
        return not self.is_cut and not self.is_queued

    def value(self) -> dict[str, object]:
        """Return the fields, as `read` takes them."""
        return asdict(self)

    @classmethod
    def read(cls, request: Request) -> "Impairment":
        """Return the impairment with the fields of `request`; raises `HostError`."""
        return cls(
            is_cut=request.flag("is_cut"),
            loss=request.number("loss"),
            delay_ns=request.integer("delay_ns"),
            jitter_ns=request.integer("jitter_ns"),
            duplicate=request.number("duplicate"),
            reorder=request.number("reorder"),
            window_ns=request.integer("window_ns"),
            rate_bytes=request.integer("rate_bytes"),
        )

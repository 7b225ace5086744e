"""Calls of clients, counted by method (the series of go-grpc-prometheus, and etcd's of bytes).

They are counted with every message, and so by plain numbers; Prometheus' own counters lock.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import grpc
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

_LABELS = ("grpc_service", "grpc_method")


@dataclass(slots=True)
class CallCount:
    """What was counted of one method."""

    started: int = 0
    received: int = 0
    """Messages."""
    received_bytes: int = 0
    sent: int = 0
    sent_bytes: int = 0
    ended: dict[grpc.StatusCode, int] = field(default_factory=dict)

    def took(self, message: bytes) -> None:
        """Count a message from a client."""
        self.received += 1
        self.received_bytes += len(message)

    def gave(self, message: bytes) -> None:
        """Count a message to a client."""
        self.sent += 1
        self.sent_bytes += len(message)

    def over(self, code: grpc.StatusCode) -> None:
        """Count a call that is over, and how it ended."""
        self.ended[code] = self.ended.get(code, 0) + 1


class CallCounts(Collector):
    """All methods' counts, as series."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], CallCount] = {}

    def of(self, service: str, method: str) -> CallCount:
        """Return where the calls of one method are counted."""
        return self._counts.setdefault((service, method), CallCount())

    @override
    def collect(self) -> Iterator[Metric]:
        handled = CounterMetricFamily(
            "grpc_server_handled",
            "Calls answered, by service, method and code.",
            labels=(*_LABELS, "grpc_code"),
        )
        for labels, count in self._counts.items():
            for code, number in count.ended.items():
                handled.add_metric((*labels, _name_of(code)), number)
        yield handled
        for name, text, numbers in (
            ("started", "Calls begun.", [each.started for each in self._counts.values()]),
            ("msg_received", "Messages received.", [x.received for x in self._counts.values()]),
            ("msg_sent", "Messages sent.", [each.sent for each in self._counts.values()]),
        ):
            family = CounterMetricFamily(f"grpc_server_{name}", text, labels=_LABELS)
            for labels, number in zip(self._counts, numbers, strict=True):
                family.add_metric(labels, number)
            yield family
        for name, total in (
            ("received", sum(count.received_bytes for count in self._counts.values())),
            ("sent", sum(count.sent_bytes for count in self._counts.values())),
        ):
            yield CounterMetricFamily(
                f"etcd_network_client_grpc_{name}_bytes",
                f"The total number of bytes {name}, of messages of clients.",
                value=total,
            )


def _name_of(code: grpc.StatusCode) -> str:
    """Return a code as Go writes it, such as OutOfRange."""
    return "OK" if code is grpc.StatusCode.OK else code.name.title().replace("_", "")

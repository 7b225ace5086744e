"""Which anomaly rules out which consistency model: the lattice of Adya, Bailis and Cerone.

After Elle's `consistency_model` (Kingsbury & Alvaro 2020), which names its sources: Adya 1999 (PL-1
to PL-3, PL-2+, PL-CS, PL-FCV, PL-MSR, PL-2L, PL-3U, PL-SI), Bailis et al. 2013 (monotonic atomic
view, lost update), Cerone, Bernardi & Gotsman 2015 (read atomic, causal, prefix, parallel snapshot
isolation), Daudjee & Salem 2006 (strong session models). Only models of transactions are here that
some anomaly of ours can rule out.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

import msgspec

STRICT_SERIALIZABLE: Final = "strict-serializable"

IMPLIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "strict-serializable": ("strong-session-serializable", "strong-snapshot-isolation"),
        "strong-session-serializable": ("serializable", "strong-session-snapshot-isolation"),
        "serializable": ("repeatable-read", "snapshot-isolation", "update-serializable"),
        "strong-snapshot-isolation": (
            "strong-session-snapshot-isolation",
            "strong-read-committed",
        ),
        "strong-session-snapshot-isolation": (
            "snapshot-isolation",
            "strong-session-read-committed",
        ),
        "snapshot-isolation": (
            "forward-consistent-view",
            "monotonic-atomic-view",
            "monotonic-snapshot-read",
            "parallel-snapshot-isolation",
            "prefix",
        ),
        "repeatable-read": ("cursor-stability", "monotonic-atomic-view"),
        "update-serializable": ("forward-consistent-view",),
        "forward-consistent-view": ("consistent-view",),
        "consistent-view": ("cursor-stability", "monotonic-view"),
        "parallel-snapshot-isolation": ("causal", "update-atomic"),
        "prefix": ("causal",),
        "causal": ("read-atomic",),
        "update-atomic": ("read-atomic",),
        "read-atomic": ("monotonic-atomic-view",),
        "monotonic-atomic-view": ("read-committed",),
        "monotonic-snapshot-read": ("read-committed",),
        "monotonic-view": ("read-committed",),
        "cursor-stability": ("read-committed",),
        "strong-read-committed": ("strong-session-read-committed", "strong-read-uncommitted"),
        "strong-session-read-committed": ("read-committed", "strong-session-read-uncommitted"),
        "strong-read-uncommitted": ("strong-session-read-uncommitted",),
        "strong-session-read-uncommitted": ("read-uncommitted",),
        "read-committed": ("read-uncommitted",),
    }
)
"""Each model and the weaker ones that it promises as well. `update-atomic` is Liu's ROLA."""

_FORBIDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "read-uncommitted": ("G0", "duplicate-elements", "garbage-read"),
        "read-committed": ("G1", "cyclic-versions"),
        "cursor-stability": ("lost-update",),
        "consistent-view": ("G-single",),
        "read-atomic": ("internal", "future-read"),
        "update-atomic": ("lost-update",),
        "repeatable-read": ("G2-item", "lost-update"),
        "snapshot-isolation": ("internal", "G-nonadjacent"),
        "serializable": ("internal", "G2"),
        "strong-session-read-uncommitted": ("G0-process",),
        "strong-session-read-committed": ("G1c-process",),
        "strong-session-snapshot-isolation": ("G-nonadjacent-process", "cyclic-versions-process"),
        "strong-session-serializable": ("G2-process",),
        "strong-read-uncommitted": ("G0-realtime",),
        "strong-read-committed": ("G1c-realtime",),
        "strong-snapshot-isolation": ("G-nonadjacent-realtime", "cyclic-versions-realtime"),
        "strict-serializable": ("G2-realtime",),
    }
)
"""What each model forbids beyond what weaker models do.

Deviations from Elle: a garbage read (a value that nobody ever wrote) is forbidden with duplicate
elements, by all; cyclic version orders are forbidden by the models under which the order between
two versions was concluded, instead of by all.
"""

_IS_ALSO: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "G0": ("G1c",),
        "G1a": ("G1",),
        "G1b": ("G1",),
        "G1c": ("G1",),
        "incompatible-order": ("G1a",),
        "dirty-update": ("G1a",),
        "future-read": ("G1c",),
        "lost-update": ("G2-item",),
        "G-single-item": ("G-single", "G-nonadjacent-item"),
        "G-single": ("G-nonadjacent",),
        "G-nonadjacent-item": ("G-nonadjacent", "G2-item"),
        "G-nonadjacent": ("G2",),
        "G2-item": ("G2",),
    }
)
"""Each anomaly and the more general ones that it is a case of, data only."""

_CYCLES: Final = (
    "G0",
    "G1c",
    "G-single-item",
    "G-single",
    "G-nonadjacent-item",
    "G-nonadjacent",
    "G2-item",
    "G2",
)
"""Anomalies that are cycles; each has a variant with what one process did in turn (a case of which
it is itself) and one with real time (of which both are)."""


class Boundary(msgspec.Struct, frozen=True, kw_only=True):
    """What anomalies say about consistency models; names sorted."""

    weakest_violated: tuple[str, ...]
    """The models ruled out of which no weaker one is ruled out, too."""
    strongest_left: tuple[str, ...]
    """The models not ruled out of which no stronger one is left; nothing proves that they hold."""
    violated: tuple[str, ...]
    """All that are ruled out."""


def model_names() -> tuple[str, ...]:
    """Return every model there is, sorted."""
    weaker = [name for names in IMPLIES.values() for name in names]
    return tuple(sorted(dict.fromkeys([*IMPLIES, *weaker])))


def implied(anomaly: str) -> tuple[str, ...]:
    """Return `anomaly` and every anomaly that it is a case of."""
    found = [anomaly]
    for name in found:
        found += [general for general in _generalizations(name) if general not in found]
    return tuple(found)


def boundary(anomalies: Iterable[str]) -> Boundary:
    """Return what the presence of `anomalies` says about every model."""
    stronger = _stronger()
    forbidden = [name for anomaly in anomalies for name in implied(anomaly)]
    direct = [model for model, names in _FORBIDS.items() if any(n in forbidden for n in names)]
    violated = sorted({name for model in direct for name in (model, *stronger[model])})
    left = [model for model in model_names() if model not in violated]
    return Boundary(
        weakest_violated=tuple(
            model for model in violated if not any(w in violated for w in IMPLIES.get(model, ()))
        ),
        strongest_left=tuple(
            model for model in left if not any(model in IMPLIES.get(name, ()) for name in left)
        ),
        violated=tuple(violated),
    )


def _generalizations(anomaly: str) -> list[str]:
    base, variant = anomaly, ""
    for ending in ("-process", "-realtime"):
        if anomaly.endswith(ending):
            base, variant = anomaly.removesuffix(ending), ending
    general = [name + variant for name in _IS_ALSO.get(base, ()) if not variant or name in _CYCLES]
    if variant == "-process":
        general.append(f"{base}-realtime")
    elif not variant and base in _CYCLES:
        general.append(f"{base}-process")
    return general


@cache
def _stronger() -> Mapping[str, tuple[str, ...]]:
    """Return for each model all that are stronger."""
    # Importing networkx takes a quarter of a second: only a conviction shall cost that.
    import networkx as nx  # noqa: PLC0415

    pairs = [(stronger, weaker) for stronger, names in IMPLIES.items() for weaker in names]
    lattice = nx.DiGraph(pairs)
    assert nx.is_directed_acyclic_graph(lattice), "no model is stronger than itself"
    return MappingProxyType(
        {model: tuple(sorted(nx.ancestors(lattice, model))) for model in model_names()}
    )

"""Ranges of keys with things that belong to them, and the search for those that hold a key.

A search tree of the ranges, in the order of their starts; each node knows the latest end in its
subtree, so that a subtree that ends before the key is left out (Cormen et al., ch. 14.3: interval
trees). It is balanced by height (Adelson-Velsky & Landis 1962): whatever ranges clients ask for,
a tree of n has a height of 1.44 log2 n at most.

Adding, removing, and finding k of n ranges take O(log n), O(log n) and O(log n + k) steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar

from nodeimpl.mvcc.key_ranges import KeyRange

Item = TypeVar("Item")

_End: TypeAlias = tuple[bool, bytes]
"""Where a range ends: (False, end), or (True, b"") if it has no end, which is after all others."""

_Place: TypeAlias = tuple[bytes, _End]
"""Where a range stands in the order."""


@dataclass(slots=True)
class _Node(Generic[Item]):
    """One range, what belongs to it, and the subtrees before and behind it."""

    place: _Place
    latest_end: _End
    """Of all ranges in this subtree."""
    height: int = 1
    items: dict[Item, None] = field(default_factory=dict)
    left: "_Node[Item] | None" = None
    right: "_Node[Item] | None" = None


class IntervalMap(Generic[Item]):
    """Items by the range they belong to; several may share one."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: _Node[Item] | None = None

    def __bool__(self) -> bool:
        return self._root is not None

    @property
    def height(self) -> int:
        """How many ranges are looked at on the way to any."""
        return _height(self._root)

    def add(self, keys: KeyRange, item: Item) -> None:
        """Let `item` belong to the range `keys`, which must not be empty."""
        assert not keys.is_empty, f"nothing can be found in {keys}"
        self._root = _with(self._root, _place(keys), item)

    def remove(self, keys: KeyRange, item: Item) -> None:
        """Undo `add`."""
        self._root = _without(self._root, _place(keys), item)

    def holding(self, key: bytes) -> Iterator[Item]:
        """Yield the items of all ranges that hold `key`, in the order of the ranges.

        Nothing may be added or removed meanwhile.
        """
        reach: _End = (False, key)
        node, ancestors = self._root, list[_Node[Item]]()
        while True:
            while node is not None and node.latest_end > reach:
                ancestors.append(node)
                node = node.left
            if not ancestors:
                return
            node = ancestors.pop()
            start, end = node.place
            if start > key:
                return  # So do all that are left: they stand behind it.
            if end > reach:
                yield from node.items
            node = node.right


def _place(keys: KeyRange) -> _Place:
    return keys.start, (True, b"") if keys.end is None else (False, keys.end)


def _with(node: _Node[Item] | None, place: _Place, item: Item) -> _Node[Item]:
    """Return the tree with `item` at `place`."""
    if node is None:
        return _Node(place, place[1], items={item: None})
    if place == node.place:
        node.items[item] = None
        return node
    if place < node.place:
        node.left = _with(node.left, place, item)
    else:
        node.right = _with(node.right, place, item)
    return _balanced(node)


def _without(node: _Node[Item] | None, place: _Place, item: Item) -> _Node[Item] | None:
    """Return the tree without `item` at `place`, where it must be."""
    assert node is not None, f"nothing belongs to {place}"
    if place < node.place:
        node.left = _without(node.left, place, item)
    elif place > node.place:
        node.right = _without(node.right, place, item)
    else:
        del node.items[item]
        if node.items:
            return node
        if node.left is None or node.right is None:
            return node.right if node.left is None else node.left
        first, rest = _first_and_rest(node.right)
        first.left, first.right = node.left, rest
        return _balanced(first)
    return _balanced(node)


def _first_and_rest(node: _Node[Item]) -> tuple[_Node[Item], _Node[Item] | None]:
    """Return the first node of a tree, and the tree without it."""
    if node.left is None:
        return node, node.right
    first, node.left = _first_and_rest(node.left)
    return first, _balanced(node)


def _balanced(node: _Node[Item]) -> _Node[Item]:
    """Return the tree of a node whose subtrees are balanced and differ by 2 in height at most."""
    left, right = node.left, node.right
    lean = _height(left) - _height(right)
    if lean > 1:
        assert left is not None, "the higher side is not empty"
        if _height(left.left) < _height(left.right):
            node.left = _turned_left(left)
        return _turned_right(node)
    if lean < -1:
        assert right is not None, "the higher side is not empty"
        if _height(right.right) < _height(right.left):
            node.right = _turned_right(right)
        return _turned_left(node)
    return _looked_at(node)


def _turned_right(node: _Node[Item]) -> _Node[Item]:
    """Return the tree with the left child on top."""
    top = node.left
    assert top is not None, "only a child can come to the top"
    node.left, top.right = top.right, node
    _looked_at(node)
    return _looked_at(top)


def _turned_left(node: _Node[Item]) -> _Node[Item]:
    """Return the tree with the right child on top."""
    top = node.right
    assert top is not None, "only a child can come to the top"
    node.right, top.left = top.left, node
    _looked_at(node)
    return _looked_at(top)


def _looked_at(node: _Node[Item]) -> _Node[Item]:
    """Return the node, which has noticed what its children are now."""
    left, right = node.left, node.right
    latest = node.place[1]
    if left is not None and left.latest_end > latest:
        latest = left.latest_end
    if right is not None and right.latest_end > latest:
        latest = right.latest_end
    node.latest_end = latest
    node.height = 1 + max(_height(left), _height(right))
    return node


def _height(node: _Node[Item] | None) -> int:
    return 0 if node is None else node.height

"""What roles permit, against one look at every key there can be."""

from hypothesis import given
from hypothesis import strategies as st

from nodeimpl.api.auth_pb2 import Permission, Role
from nodeimpl.mvcc.auth.book import Grants
from nodeimpl.mvcc.key_ranges import KeyRange, key_range

SMALL_KEYS = st.sampled_from([b"a", b"b", b"c", b"d", b"e"])
ENDS = st.sampled_from([b"", b"\0", b"b", b"c", b"d", b"e", b"f"])
KINDS = st.sampled_from([Permission.READ, Permission.WRITE, Permission.READWRITE])
PERMISSIONS = st.builds(Permission, permType=KINDS, key=SMALL_KEYS, range_end=ENDS)
ROLES = st.lists(
    st.builds(Role, name=st.just(b"r"), keyPermission=st.lists(PERMISSIONS, max_size=4)), max_size=3
)
EVERY_KEY = [
    bytes(key)
    for first in b"abcdefg"
    for key in ([first], [first, 0], [first, 0xFF], [first, 0xFF, 0xFF])
]


def holds(keys: KeyRange, key: bytes) -> bool:
    return keys.start <= key and (keys.end is None or key < keys.end)


def permits(roles: list[Role], key: bytes, unlike: Permission.Type) -> bool:
    return any(
        permission.permType != unlike
        and holds(key_range(permission.key, permission.range_end), key)
        for role in roles
        for permission in role.keyPermission
    )


@given(ROLES, SMALL_KEYS, ENDS)
def test_a_range_is_permitted_if_each_of_its_keys_is(
    roles: list[Role], key: bytes, range_end: bytes
) -> None:
    keys = key_range(key, range_end)
    asked = [each for each in EVERY_KEY if holds(keys, each)] or [key]
    grants = Grants(roles)
    assert grants.may_read(keys) == all(permits(roles, each, Permission.WRITE) for each in asked)
    assert grants.may_write(keys) == all(permits(roles, each, Permission.READ) for each in asked)

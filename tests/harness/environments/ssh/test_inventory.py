"""Inventories of hosts, as they are written."""

from pathlib import Path

import pytest

from harness.environments.ssh.inventory import read_inventory
from harness.errors import UsageError


def written(folder: Path, text: str) -> Path:
    path = folder / "inventory.toml"
    path.write_text(text)
    return path


def test_what_a_host_does_not_say_the_defaults_say(tmp_path: Path) -> None:
    text = '[defaults]\nuser = "quorate"\nport = 2222\n[[hosts]]\naddress = "a"\n'
    first, second = read_inventory(
        written(tmp_path, text + '[[hosts]]\naddress = "b"\nport = 22\n')
    )

    assert (first.address, first.user, first.port) == ("a", "quorate", 2222)
    assert (second.address, second.user, second.port) == ("b", "quorate", 22)
    assert first.check_host_key


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[hosts", "is not TOML"),
        ("", "is not an inventory: Object missing required field `hosts`"),
        ("[[hosts]]\n", "missing required field `address`"),
        ('[[hosts]]\naddress = "a"\nadress = "b"\n', "unknown field `adress`"),
        ('[[hosts]]\naddress = "a"\n[[hosts]]\naddress = "a"\n', "two hosts have one address"),
    ],
)
def test_an_inventory_that_does_not_read_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_inventory(written(tmp_path, text))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        read_inventory(tmp_path / "none.toml")

"""Sources of apt, rewritten for another suite of the same Debian."""

import pytest

from harness.errors import HarnessError
from harness.systems.debian import as_deb822, rewritten

MACHINE = """
Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb
URIs: https://other.example
Suites: nodistro
Components: main
"""


def test_only_the_stanza_of_the_release_itself_is_rewritten() -> None:
    (stanza,) = rewritten(MACHINE, "bookworm", "trixie")

    assert stanza.splitlines() == [
        "Types: deb",
        "URIs: http://mirror.example/debian",
        "Suites: trixie",
        "Components: main",
        "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
    ]


def test_a_machine_without_such_a_source_is_told() -> None:
    with pytest.raises(HarnessError, match="no source of apt is of this machine's own release"):
        rewritten(MACHINE, "jammy", "trixie")


def test_a_source_on_one_line_says_the_same() -> None:
    line = "deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm main contrib"

    assert as_deb822(line) == (
        "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\n"
        "Components: main contrib\nSigned-By: /k.gpg\n"
    )


@pytest.mark.parametrize("line", ["", "# deb http://x bookworm main", "deb-src http://x s main"])
def test_other_lines_are_no_source(line: str) -> None:
    assert as_deb822(line) == ""

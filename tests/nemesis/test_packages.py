"""Names of packages on the command line."""

import pytest

from nemesis.packages import REAL_ONLY, Package, UnknownPackageError, parse_packages


def test_names_are_taken_in_fixed_order_each_once() -> None:
    assert parse_packages("partition, kill,kill") == (Package.KILL, Package.PARTITION)


def test_all_means_every_package_of_the_simulation() -> None:
    assert parse_packages("all") == tuple(each for each in Package if each not in REAL_ONLY)
    assert parse_packages("pressure") == (Package.PRESSURE,)


def test_none_means_no_faults() -> None:
    assert parse_packages("none") == ()


def test_a_misspelt_name_is_answered_with_the_nearest_and_with_all() -> None:
    with pytest.raises(UnknownPackageError) as caught:
        parse_packages("kill,partiton")

    assert str(caught.value) == (
        "no faults are called `partiton` (did you mean `partition`?); there are "
        f"{', '.join(Package)}, all, none"
    )


def test_none_cannot_be_combined() -> None:
    with pytest.raises(UnknownPackageError, match="`none` stands alone"):
        parse_packages("kill,none")


@pytest.mark.parametrize("text", ["", "kill,", "KILL"])
def test_an_empty_or_shouted_name_is_unknown(text: str) -> None:
    with pytest.raises(UnknownPackageError):
        parse_packages(text)


@pytest.mark.parametrize("package", Package)
def test_every_package_is_described_in_one_sentence(package: Package) -> None:
    assert package.description.count(".") == 1
    assert package.description.endswith(".")

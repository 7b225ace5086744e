"""Networks that clusters on one machine do not share."""

from pathlib import Path

import pytest

from harness.environments.hosts import subnets
from harness.environments.hosts.subnets import Subnet
from harness.errors import HarnessError


def test_two_clusters_get_different_networks_and_give_them_back(tmp_path: Path) -> None:
    first = Subnet(tmp_path)
    second = Subnet(tmp_path)
    first.release()
    third = Subnet(tmp_path)

    assert first.cidr != second.cidr
    assert third.cidr == first.cidr
    assert first.address(3) == first.cidr.replace(".0/24", ".3")
    second.release()
    third.release()


def test_where_a_route_leads_no_cluster_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "route"
    line = "eth9\t{}\t00000000\t0001\t0\t0\t0\t{}\t0\t0\t0\n"
    default, all_of_ours = line.format("00000000", "00000000"), line.format("000012C6", "0000FEFF")
    monkeypatch.setattr(subnets, "_ROUTES", table)

    table.write_text("Iface Destination ...\n" + default)
    Subnet(tmp_path / "locks").release()
    table.write_text("Iface Destination ...\n" + default + all_of_ours)
    with pytest.raises(HarnessError, match="all 512 networks"):
        Subnet(tmp_path / "locks")

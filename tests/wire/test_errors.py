from evpn.wire.errors import Disposition, WireError


def test_an_error_withdraws_unless_it_says_otherwise() -> None:
    assert WireError("broken").disposition is Disposition.WITHDRAW
    assert WireError("broken", Disposition.RESET).disposition is Disposition.RESET


def test_an_error_reads_as_its_message() -> None:
    assert str(WireError("MAC/IP route of 3 octets")) == "MAC/IP route of 3 octets"

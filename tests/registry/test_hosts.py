"""The one spelling of a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from multi_tenant.registry.hosts import InvalidHostError, normalise_host

LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(LABELS, min_size=1, max_size=5).map(".".join)


@pytest.mark.parametrize(
    ("given_host", "spelling"),
    [
        ("acme.example.com", "acme.example.com"),
        ("ACME.Example.COM", "acme.example.com"),
        ("acme.example.com:8000", "acme.example.com"),
        ("acme.example.com.", "acme.example.com"),
        ("acme.example.com.:8000", "acme.example.com"),
        (" acme.example.com ", "acme.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example:443", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher。example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
        ("my_host.local", "my_host.local"),
        ("192.0.2.7:80", "192.0.2.7"),
        ("[2001:DB8::1]", "[2001:db8::1]"),
        ("[2001:db8:0:0:0:0:0:1]:8000", "[2001:db8::1]"),
        ("[::ffff:192.0.2.7]", "[::ffff:192.0.2.7]"),
    ],
)
def test_a_host_has_one_spelling(given_host: str, spelling: str) -> None:
    assert normalise_host(given_host) == spelling


@pytest.mark.parametrize(
    "host",
    [
        "",
        ".",
        ":80",
        "a..b",
        ".example.com",
        "-acme.example.com",
        "acme-.example.com",
        "ac me.example.com",
        "acme.example.com/path",
        "user@acme.example.com",
        "acme.example.com:port",
        "acme.example.com:80:80",
        "acme.example.com:²",
        "acme.example.com:٨٠",
        "acme\x00.example.com",
        "acme\n.example.com",
        "acme'--.example.com",
        "2001:db8::1",
        "[]",
        "[....]",
        "[acme]",
        "[fe80::1%eth0]",
        "[::1",
        "[::1]x",
        "a" * 64 + ".example.com",
        ".".join(["a" * 60] * 5),
        "straße.example",
        "πας.example",
        "a\u200db.example",
    ],
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidHostError):
        normalise_host(host)


@given(st.text(max_size=80))
def test_any_text_is_refused_or_has_a_spelling_that_stays(text: str) -> None:
    try:
        spelling = normalise_host(text)
    except InvalidHostError:
        return
    assert normalise_host(spelling) == spelling
    assert spelling.isascii()
    assert not set(spelling) & set(" /\\'\"@?#\x00\n")


@given(NAMES, st.integers(min_value=0, max_value=65535))
def test_case_port_and_trailing_dot_make_no_difference(name: str, port: int) -> None:
    assert normalise_host(f"{name.upper()}.:{port}") == normalise_host(name)


def test_a_long_text_is_not_repeated_whole() -> None:
    with pytest.raises(InvalidHostError) as caught:
        normalise_host("!" * 10_000)
    assert len(str(caught.value)) < 300

"""Patterns of allowed origins."""

from __future__ import annotations

import pytest

from server.origins import matches, parse_pattern


@pytest.mark.parametrize(
    ("origin", "pattern"),
    [
        ("https://example.com", "https://example.com"),
        ("https://EXAMPLE.com", "https://Example.COM"),
        ("https://example.com", "https://example.com:443"),
        ("http://example.com", "http://example.com:80"),
        ("https://a.example.com", "https://*.example.com"),
        ("https://a.b.example.com", "https://*.example.com"),
        ("http://localhost:5173", "http://localhost:*"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://example.com", "example.com"),
        ("http://example.com:8080", "example.com"),
        ("capacitor://localhost", "localhost"),
        ("https://a.example.com", "*.example.com"),
        ("null", "null"),
        ("null", "*"),
        ("https://anything.test", "*"),
    ],
)
def test_origin_that_fits(origin: str, pattern: str) -> None:
    assert matches(origin, parse_pattern(pattern))


@pytest.mark.parametrize(
    ("origin", "pattern"),
    [
        ("https://example.com", "https://*.example.com"),
        ("http://example.com", "https://example.com"),
        ("https://example.com:8443", "https://example.com"),
        ("https://example.com.evil.test", "https://example.com"),
        ("https://evil.test/.example.com", "https://*.example.com"),
        ("https://evil.test:80#.example.com", "https://*.example.com"),
        ("https://evil-example.com", "*.example.com"),
        ("https://exampleXcom", "https://example.com"),
        ("https://a.example.com\n", "https://*.example.com"),
        ("https://evil.test", "null"),
        ("null", "https://example.com"),
        ("https://" + "a." * 200 + "example.com", "https://*.example.com"),
        ("", "*.example.com"),
    ],
)
def test_origin_that_does_not_fit(origin: str, pattern: str) -> None:
    assert not matches(origin, parse_pattern(pattern))


@pytest.mark.parametrize(
    "pattern", ["", "https://", "https://example.com/", "https://a b", "https://a:b", "a/b", "a?b"]
)
def test_pattern_that_could_never_fit_is_a_mistake(pattern: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        parse_pattern(pattern)

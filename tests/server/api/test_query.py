from hypothesis import given
from hypothesis import strategies as st

from server.api.query import parse_query


def test_values_are_decoded_and_names_lowered() -> None:
    assert parse_query("Auth_Key=K%2Ck&info=user_count%2Csubscription_count").values == {
        "auth_key": "K,k",
        "info": "user_count,subscription_count",
    }


def test_plus_is_a_space_unless_told_otherwise() -> None:
    assert parse_query("name=a+b%2Bc").values == {"name": "a b+c"}
    assert parse_query("name=a+b%2Bc", plus_is_space=False).values == {"name": "a+b+c"}


def test_names_with_brackets_are_lists_in_the_order_given() -> None:
    parsed = parse_query("channels[]=b&channels%5B%5D=a&name=x")
    assert parsed.lists == {"channels": ["b", "a"]}
    assert parsed.parameters() == {"name": "x", "channels": ["b", "a"]}


def test_last_value_of_a_name_counts() -> None:
    assert parse_query("a=1&A=2").values == {"a": "2"}


def test_parameters_without_name_or_value_do_no_harm() -> None:
    assert parse_query("&a&=b&c==d&").values == {"a": "", "c": "=d"}
    assert parse_query("").values == {}


@given(st.text())
def test_any_text_is_a_query(query: str) -> None:
    for name, value in parse_query(query).values.items():
        assert name == name.lower()
        assert name
        assert isinstance(value, str)


@given(st.lists(st.tuples(st.text("abc_", min_size=1), st.text("xyz019-=,"))))
def test_escaping_makes_no_difference(pairs: list[tuple[str, str]]) -> None:
    plain = "&".join(f"{name}={value}" for name, value in pairs)
    escaped = "&".join(f"{name}={''.join(f'%{ord(char):02X}' for char in value)}" for name, value in pairs)
    assert parse_query(plain) == parse_query(escaped)

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from server.api.errors import Forbidden, Unauthorized
from server.api.query import Query, parse_query
from server.api.signature import SignedRequest, authenticate, string_to_sign
from server.apps import App, Apps
from tests.server.api.back_end import NOW, signed_query
from tests.server.api.conftest import APP, DISABLED, OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping

APPS = Apps([APP, OTHER, DISABLED])
SECRET = APP.secret.get_secret_value()
VECTOR_BODY = b'{"name":"foo","channels":["project-3"],"data":"{\\"some\\":\\"data\\"}"}'
VECTOR_QUERY = (
    f"auth_key={APP.key}&auth_timestamp=1353088179&auth_version=1.0&body_md5=ec365a775a4cd0599faeb73354201b6f"
)
VECTOR_SIGNATURE = "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c"


def a_request(
    query: str, *, method: str = "GET", path: str = "/apps/3/channels", raw_path: str = "", body: bytes = b""
) -> SignedRequest:
    return SignedRequest(method, path, (raw_path or path).encode(), query, body)


def check(
    request: SignedRequest, *, app_id: str | None = "3", now: float = NOW, apps: Apps = APPS
) -> tuple[App, Query]:
    query = parse_query(request.query)
    return authenticate(request, query, apps.by_key(query.values.get("auth_key", "")), app_id=app_id, now=now)


def refusal(request: SignedRequest, *, app_id: str | None = "3", now: float = NOW) -> str:
    with pytest.raises(Unauthorized) as caught:
        check(request, app_id=app_id, now=now)
    return str(caught.value)


def without(query: str, name: str) -> str:
    return "&".join(pair for pair in query.split("&") if not pair.startswith(f"{name}="))


def a_query(parameters: Mapping[str, str] | None = None) -> str:
    return signed_query(APP, "GET", "/apps/3/channels", parameters or {})


def test_reference_vector_of_a_post_is_accepted() -> None:
    query = f"{VECTOR_QUERY}&auth_signature={VECTOR_SIGNATURE}"
    request = a_request(query, method="POST", path="/apps/3/events", body=VECTOR_BODY)
    app, parsed = check(request)
    assert app is APP
    assert parsed.values["body_md5"] == hashlib.md5(VECTOR_BODY).hexdigest()


def test_reference_vector_of_a_get_is_accepted() -> None:
    app = App(id="102015", key="d41a439c438a100756f5", secret=SecretStr("4bf35003e819bb138249"))
    query = (
        "auth_key=d41a439c438a100756f5&auth_timestamp=1427034994&auth_version=1.0"
        "&auth_signature=4d8a02edcc8a758b0162cd6da690a9a45fb8ae326a276dca1e06a0bc42796c11"
        "&filter_by_prefix=presence-&info=user_count"
    )
    request = a_request(query, path="/apps/102015/channels")
    assert check(request, app_id="102015", now=1427034994, apps=Apps([app]))[0] is app


@pytest.mark.parametrize("signed_with", ["new", "old"])
def test_either_of_two_secrets_may_have_signed(signed_with: str) -> None:
    app = App(id="3", key="k", secret=SecretStr("new"), second_secret=SecretStr("old"))
    signer = App(id="3", key="k", secret=SecretStr(signed_with))
    query = signed_query(signer, "GET", "/apps/3/channels", {"info": "a+b"})
    assert check(a_request(query), apps=Apps([app]))[0] is app


def test_parameters_are_sorted_and_lowered_and_the_signature_left_out() -> None:
    query = parse_query("B=2&auth_signature=x&a=1&c[]=z&c[]=y&c2=3")
    assert string_to_sign("GET", "/p", query) == "GET\n/p\na=1&b=2&c[]=z&c[]=y&c2=3"


def test_order_of_the_query_is_arbitrary() -> None:
    reversed_query = "&".join(reversed(a_query({"info": "user_count"}).split("&")))
    check(a_request(reversed_query))


def test_names_in_capitals_are_accepted() -> None:
    names = [pair.partition("=") for pair in a_query().split("&")]
    check(a_request("&".join(f"{name.upper()}={value}" for name, _, value in names)))


@pytest.mark.parametrize("escaped", ["user_count%2Csubscription_count", "user_count,subscription_count"])
def test_values_are_signed_as_they_are_decoded(escaped: str) -> None:
    query = a_query({"info": "user_count,subscription_count"})
    info = "info=user_count%2Csubscription_count"
    assert info in query
    assert check(a_request(query.replace(info, f"info={escaped}")))[1].values["info"] == "user_count,subscription_count"


@pytest.mark.parametrize("meant", ["a b", "a+b"])
def test_plus_may_have_been_signed_as_a_space_or_as_itself(meant: str) -> None:
    query = a_query({"name": meant})
    sent = without(query, "name") + "&name=a+b"
    assert check(a_request(sent))[1].values["name"] == meant


def test_arrays_are_signed_with_their_brackets() -> None:
    query = f"auth_key={APP.key}&auth_timestamp={NOW}&auth_version=1.0&channels[]=b&channels[]=a"
    signature = hmac.new(SECRET.encode(), f"GET\n/apps/3/channels\n{query}".encode(), "sha256").hexdigest()
    assert check(a_request(f"{query}&auth_signature={signature}"))[1].lists == {"channels": ["b", "a"]}


@pytest.mark.parametrize("signed", ["/apps/3/channels/a,b", "/apps/3/channels/a%2Cb"])
def test_path_may_have_been_signed_decoded_or_as_it_was_escaped(signed: str) -> None:
    query = signed_query(APP, "GET", signed, {})
    check(a_request(query, path="/apps/3/channels/a,b", raw_path="/apps/3/channels/a%2Cb"))


def test_another_path_method_or_parameter_is_not_covered() -> None:
    query = a_query({"info": "a"})
    for request in (
        a_request(query, path="/apps/3/events"),
        a_request(query, method="POST"),
        a_request(query.replace("info=a", "info=b")),
        a_request(f"{query}&more=1"),
        a_request(without(query, "info")),
    ):
        assert refusal(request).startswith("Invalid signature: ")


def test_wrong_signature_is_answered_with_what_should_have_been_signed() -> None:
    query = f"auth_key={APP.key}&auth_timestamp={NOW}&auth_version=1.0"
    assert refusal(a_request(f"{query}&auth_signature=b")) == (
        f'Invalid signature: you should have sent HmacSHA256Hex("GET\\n/apps/3/channels\\n{query}", your_secret_key), '
        'but you sent "b"'
    )
    assert refusal(a_request(query)).endswith('but you sent ""')


def test_signature_that_is_not_ascii_is_just_wrong() -> None:
    assert refusal(a_request(without(a_query(), "auth_signature") + "&auth_signature=%C3%A9")).endswith(
        'but you sent "é"'
    )


def test_secret_is_not_told() -> None:
    assert SECRET not in refusal(a_request(a_query() + "&more=1"))


def test_checks_come_in_their_order() -> None:
    assert refusal(a_request("")) == "Missing parameter: auth_key"
    assert refusal(a_request("auth_key=unknown")) == "Unknown auth_key"
    assert refusal(a_request(f"auth_key={APP.key}")) == "Version required"
    assert refusal(a_request(f"auth_key={APP.key}&auth_version=2.0")) == "Version not supported"
    assert refusal(a_request(f"auth_key={APP.key}&auth_version=1.0")) == "Timestamp required"
    old = f"auth_key={APP.key}&auth_version=1.0&auth_timestamp={NOW - 600}"
    assert refusal(a_request(old)).startswith("Timestamp expired: ")
    now = f"auth_key={APP.key}&auth_version=1.0&auth_timestamp={NOW}"
    assert refusal(a_request(now, body=b"x")).startswith("Invalid signature: ")


def test_key_of_another_app_is_refused() -> None:
    query = signed_query(OTHER, "GET", "/apps/3/channels", {})
    assert refusal(a_request(query)) == "Mismatched auth_key: it does not belong to app 3"


def test_key_alone_decides_where_the_path_names_no_app() -> None:
    path = "/users/1/terminate_connections"
    query = signed_query(OTHER, "POST", path, {})
    assert check(a_request(query, method="POST", path=path), app_id=None)[0] is OTHER


@pytest.mark.parametrize("drift", [-600, 600])
def test_timestamp_ten_minutes_off_is_expired(drift: int) -> None:
    inside = NOW - drift + (1 if drift > 0 else -1)
    check(a_request(a_query()), now=inside)
    assert refusal(a_request(a_query()), now=NOW - drift).startswith("Timestamp expired: ")


def test_expired_timestamp_is_shown_as_a_date() -> None:
    query = f"auth_key={APP.key}&auth_version=1.0&auth_timestamp=1371483578"
    assert refusal(a_request(query), now=1371488961.9) == (
        "Timestamp expired: Given timestamp (2013-06-17T15:39:38Z) not within 600s of server time "
        "(2013-06-17T17:09:21Z)"
    )


@pytest.mark.parametrize("given", ["", "abc", "9" * 4000, "9" * 5000, "-99999999999999", "1e9", "1353088179.0"])
def test_timestamp_that_is_no_time_is_expired_and_shown_as_it_is(given: str) -> None:
    text = refusal(a_request(f"auth_key={APP.key}&auth_version=1.0&auth_timestamp={given}"))
    assert text.startswith(f"Timestamp expired: Given timestamp ({given[:32]}) not within 600s")


def test_body_needs_its_hash() -> None:
    path = "/apps/3/events"
    query = signed_query(APP, "POST", path, {})
    assert refusal(a_request(query, method="POST", path=path, body=b"{}")) == "Missing parameter: body_md5"


def test_body_must_have_the_hash_that_was_signed() -> None:
    path = "/apps/3/events"
    query = signed_query(APP, "POST", path, {}, body=b"{}")
    check(a_request(query, method="POST", path=path, body=b"{}"))
    for body in (b"{ }", b""):
        assert refusal(a_request(query, method="POST", path=path, body=body)) == (
            f"Invalid body_md5: the MD5 of the body that arrived is {hashlib.md5(body).hexdigest()}"
        )


def test_get_may_carry_the_hash_of_an_empty_body() -> None:
    check(a_request(a_query({"body_md5": "d41d8cd98f00b204e9800998ecf8427e"})))


def test_disabled_app_learns_it_only_with_a_good_signature() -> None:
    query = signed_query(DISABLED, "GET", "/apps/5/channels", {})
    request = a_request(query, path="/apps/5/channels")
    with pytest.raises(Forbidden, match=r"^Application disabled$"):
        check(request, app_id="5")
    assert refusal(a_request(f"{query}&a=b", path="/apps/5/channels"), app_id="5").startswith("Invalid signature: ")


PIECES = st.sampled_from(
    [
        "auth_key=",
        APP.key,
        "auth_version=1.0",
        "auth_timestamp=",
        str(NOW),
        "auth_signature",
        "body_md5",
        "[]",
        "&",
        "=",
    ]
) | st.text(max_size=4)


@given(st.lists(PIECES).map("".join), st.text(), st.binary(), st.binary(max_size=8))
def test_only_the_documented_refusal_escapes_whatever_is_sent(
    query: str, path: str, raw_path: bytes, body: bytes
) -> None:
    query, path = (text.encode(errors="replace").decode() for text in (query, path))
    with pytest.raises(Unauthorized):
        check(SignedRequest("GET", path, raw_path, query, body))


@given(
    st.dictionaries(st.text("abcdefgh_", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))),
    st.binary(max_size=20),
)
def test_what_a_library_signs_is_accepted(parameters: dict[str, str], body: bytes) -> None:
    query = signed_query(APP, "POST", "/apps/3/events", parameters, body)
    app, parsed = check(a_request(query, method="POST", path="/apps/3/events", body=body))
    assert app is APP
    assert parameters.items() <= parsed.values.items()

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.store.errors import BadInput
from toolgate.store.names import check_labels, check_name, check_text, check_url, escaped, is_id, is_loopback, shown


@pytest.mark.parametrize("name", ["cargo", "a", "A.b_c-9", "0", "x" * 64])
def test_names_are_letters_digits_and_three_marks(name: str) -> None:
    assert check_name("name", name) == name


@pytest.mark.parametrize("name", ["", "-x", ".x", "a b", "x" * 65, "naïve", "a\n", "a/b", "a\0", "a\x1b[2J"])
def test_other_names_are_refused_without_repeating_what_moves_the_cursor(name: str) -> None:
    with pytest.raises(BadInput) as caught:
        check_name("name", name)
    assert str(caught.value).isprintable()


def test_a_name_cannot_look_like_an_id() -> None:
    with pytest.raises(BadInput, match="form of an id"):
        check_name("name", str(uuid.uuid4()))


@pytest.mark.parametrize("text", ["", " x", "x ", "a\tb", "a\u202eb", "a\u200bb", "x" * 201, "\ud800"])
def test_a_label_is_one_line_that_prints(text: str) -> None:
    with pytest.raises(BadInput):
        check_text("--label", text)


def test_a_label_may_be_in_any_script() -> None:
    assert check_text("--label", "Łukasz 日本語") == "Łukasz 日本語"


@pytest.mark.parametrize("labels", [{"": "x"}, {"a b": "x"}, {"1a": "x"}, {"a": ""}, {"a": "\n"}, {"k" * 64: "x"}])
def test_labels_have_plain_keys_and_printing_values(labels: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        check_labels("--labels", labels)


def test_labels_are_bounded_in_number() -> None:
    assert len(check_labels("--labels", {f"k{n}": "v" for n in range(32)})) == 32
    with pytest.raises(BadInput, match="too many"):
        check_labels("--labels", {f"k{n}": "v" for n in range(33)})


@pytest.mark.parametrize(
    "url",
    [
        "https://x.example/mcp",
        "http://localhost:9000/",
        "http://127.0.0.1:1/mcp",
        "http://[::1]:9/",
        "https://8.8.8.8/",
    ],
)
def test_public_and_loopback_urls_pass(url: str) -> None:
    assert check_url("--url", url, allow_private=False) == url


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "not an http or https URL"),
        ("x.example/mcp", "not an http or https URL"),
        ("ftp://x.example/", "not an http or https URL"),
        ("file:///etc/passwd", "not an http or https URL"),
        ("https://", "not an http or https URL"),
        ("https://x.example:99999/", "not a URL"),
        ("https://[::1/", "not a URL"),
        ("https://x.example/a b", "not a URL"),
        ("https://x.example\\@evil.example/", "not a URL"),
        ("https://exämple.com/", "not a URL"),
        ("https://x.example/\n", "not a URL"),
        ("https://x.example/" + "a" * 3000, "not a URL"),
        ("https://user:secret@x.example/", "holds credentials"),
        ("https://x.example/#top", "fragment"),
        ("http://x.example/", "in the clear"),
        ("https://10.0.0.1/", "not a public address"),
        ("https://169.254.169.254/", "not a public address"),
        ("https://[fd00::1]/", "not a public address"),
        ("https://[::ffff:10.0.0.1]/", "not a public address"),
    ],
)
def test_other_urls_are_refused_and_say_why(url: str, why: str) -> None:
    with pytest.raises(BadInput, match=why) as caught:
        check_url("--url", url, allow_private=False)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://x.internal/", "https://10.0.0.1/", "http://192.168.1.5:8080/mcp"])
def test_private_and_plain_urls_pass_where_they_are_allowed(url: str) -> None:
    assert check_url("--url", url, allow_private=True) == url


@given(st.text())
def test_no_url_makes_anything_else_than_an_answer_or_a_refusal(text: str) -> None:
    problem = ""
    try:
        check_url("--url", "https://" + text, allow_private=True)
    except BadInput as error:
        problem = str(error)
    assert problem.isprintable()


@given(st.text())
def test_what_is_shown_always_prints(text: str) -> None:
    assert escaped(text).isprintable()
    assert shown(text).isprintable()
    shown(text).encode("utf-8")


def test_ids_are_lower_case_uuids() -> None:
    known = uuid.uuid4()
    assert is_id(str(known))
    assert not is_id(str(known).upper().replace("-", ""))
    assert not is_id("{" + str(known) + "}")


def test_this_machine_has_several_names() -> None:
    assert is_loopback("127.9.9.9")
    assert is_loopback("::1")
    assert is_loopback("localhost")
    assert not is_loopback("localhost.example")
    assert not is_loopback("0.0.0.0")

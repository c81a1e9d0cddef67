"""Each kind of key and token: found where it stands, and other text left alone."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path

import pytest

from toolgate.policy.detectors import ALL, BY_NAME, DETECTORS, Detector, named
from toolgate.policy.redaction import Redaction
from toolgate.protocol.hidden_text import NoJson

EVERY = pytest.mark.parametrize("detector", DETECTORS, ids=list(BY_NAME))
DOCS = Path(__file__).parents[2] / "docs" / "policy.md"


def redacted(text: str, *names: str) -> tuple[str, dict[str, int]]:
    redaction = Redaction(named(names or BY_NAME))
    return json.loads(redaction.of(json.dumps([text]).encode()))[0], redaction.found


@EVERY
def test_a_detector_finds_its_example_in_a_text_and_alone(detector: Detector) -> None:
    for text in (detector.example, f"first\n{detector.example}\nlast", f"key=({detector.example})"):
        left, found = redacted(text, detector.name)
        assert found == {detector.name: 1}
        assert f"[redacted: {detector.name}]" in left
        assert "EXAMPLE" not in left


@EVERY
def test_a_detector_finds_its_example_however_json_writes_it(detector: Detector) -> None:
    everything = "".join(rf"\u{ord(letter):04x}" for letter in detector.example)
    slashed = json.dumps(detector.example)[1:-1].replace("/", r"\/")
    for written in (everything, slashed):
        redaction = Redaction(named([detector.name]))
        assert f"[redacted: {detector.name}]".encode() in redaction.of(b'{"a": "' + written.encode() + b'"}')


@EVERY
def test_no_other_detector_takes_an_example_for_its_own(detector: Detector) -> None:
    others = {each.name for each in DETECTORS} - {detector.name, "assigned_secret"}
    assert redacted(detector.example, *others) == (detector.example, {})


@EVERY
def test_a_detector_is_described_in_the_documentation(detector: Detector) -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith(f"| `{detector.name}` |")]
    assert len(rows) == 1
    assert detector.finds in rows[0]


@EVERY
def test_a_hint_stands_in_every_example(detector: Detector) -> None:
    assert any(hint.lower() in detector.example.lower() for hint in detector.hints)


@EVERY
def test_the_time_is_linear_also_for_a_text_made_for_the_pattern(detector: Detector) -> None:
    start = detector.hints[0]
    hostile = [start * 60_000, detector.example[:-3] * 10_000, (start + "A" * 40 + "-") * 10_000]
    for text in hostile:
        begun = time.process_time()
        redacted(text, detector.name)
        assert time.process_time() - begun < 5  # a pattern that goes back would take hours


def test_all_stands_for_every_detector_that_is_not_on_request() -> None:
    assert {each.name for each in named([ALL])} == set(BY_NAME) - {"assigned_secret"}
    assert [each.name for each in named(["jwt", "jwt", "npm_token"])] == ["npm_token", "jwt"]
    assert {each.name for each in named([ALL, "assigned_secret"])} == set(BY_NAME)


def test_a_private_key_without_its_end_goes_to_the_end_of_its_lines() -> None:
    key = "-----BEGIN PRIVATE KEY-----\n" + "\n".join(["A" * 64] * 3)
    assert redacted(f"{key}\n; more")[0] == "[redacted: private_key]; more"
    assert (
        redacted(json.dumps({"key": f"{key}\n-----END PRIVATE KEY-----\n"}))[0]
        == '{"key": "[redacted: private_key]\\n"}'
    )
    assert redacted("it begins with -----BEGIN PRIVATE KEY----- and so on")[1] == {}


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com:8443/path?q=a:b@c",
        "mailto:ann@example.com, http://[::1]:80/ and git@github.com:a/b.git",
        "task-proj-EXAMPLEexampleEXAMPLE00 and desk-EXAMPLE",
        "sk-learn, pypi-server, npm_config_registry, hf_hub_download, whsec_, ghp_short",
        "AKIAIOSFODNN7EXAMPL, XAKIAIOSFODNN7EXAMPLE, AKIAIOSFODNN7EXAMPLE0",
        "eyJhbGciOiJIUzI1NiJ9 is only the head of a token",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709 and 123e4567-e89b-12d3-a456-426614174000",
        "sk_live_ and pk_live_EXAMPLEexampleEXAMPLE00, which is public",
    ],
)
def test_text_that_only_looks_like_a_secret_stays(text: str) -> None:
    assert redacted(text, ALL) == (text, {})


def test_several_secrets_in_one_text_are_each_replaced() -> None:
    text = " ".join(BY_NAME[name].example for name in ("jwt", "npm_token", "jwt"))
    left, found = redacted(text, ALL)
    assert left == "[redacted: jwt] [redacted: npm_token] [redacted: jwt]"
    assert found == {"jwt": 2, "npm_token": 1}


def test_a_secret_in_base64_or_cut_in_two_is_not_found() -> None:
    token = BY_NAME["npm_token"].example
    hidden = base64.b64encode(token.encode()).decode()
    message = json.dumps([hidden, token[:20], token[20:]]).encode()
    assert Redaction(named([ALL])).of(message) == message


def test_strings_without_a_secret_stay_the_bytes_they_were() -> None:
    token = BY_NAME["npm_token"].example
    message = b'{ "a" :"\\u0061\\/\\n","b\\"":[1.0, 2e5,"%b" ,"\xc3\xa9"],"c":null}'
    assert Redaction(named([ALL])).of(message % token.encode()) == message % b"[redacted: npm_token]"


def test_a_message_without_a_secret_is_given_back_itself() -> None:
    message = json.dumps({"a": ["plain", "\u00e9 https://x/"], "b": 'say "x"'}).encode()
    assert Redaction(named([ALL])).of(message) is message


@pytest.mark.parametrize("message", [b'["https://', b'["\\u00xyz"]', b'["\\u0067\xff"]'])
def test_what_is_no_json_is_refused(message: bytes) -> None:
    with pytest.raises(NoJson):
        Redaction(named([ALL])).of(message)


def test_names_of_detectors_are_plain_words() -> None:
    assert all(re.fullmatch("[a-z_]+", name) for name in BY_NAME)
    assert ALL not in BY_NAME

"""Keys and tokens that answers may hold: how each kind is told from other text, as data.

Formats are those that their issuers document, or that secret scanners go by. Patterns are RE2 over the text of one
string, so the time is linear in it. What a pattern cannot tell is passed: a secret in base64, or cut in two.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

ALL: Final = "all"
"""The name that stands for every detector but those that say `on_request`."""


@dataclass(slots=True, frozen=True, eq=False)
class Detector:
    """One kind of secret.

    Of a pattern with a group only that is replaced. `hints`: one of these texts stands in every match, in any case.
    `assigned`: the name of the member that holds the string counts as text before it.
    """

    name: str
    finds: str
    pattern: str
    example: str
    hints: tuple[str, ...]
    assigned: bool = False
    on_request: bool = False


_PEM: Final = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_ASSIGNS: Final = r"""\\?["'`]?\s{0,3}(?:=>|:=|=|:)\s{0,3}\\?["'`]?"""

DETECTORS: Final = (
    Detector(
        "private_key",
        "private keys in PEM and OpenPGP armour, also one whose end is missing",
        rf"-----BEGIN {_PEM}(?:(?:[^-]|-{{1,4}}[^-])*-----END {_PEM}"
        r"|(?:\s|\\[nr])*[A-Za-z0-9+/=]{32}[\s\\A-Za-z0-9+/=]*)",
        "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBkg4LVWEXAMPLEexampleEXAMPLE==\n-----END EC PRIVATE KEY-----",
        ("-----BEGIN ",),
    ),
    Detector(
        "aws_access_key_id",
        "access key ids of AWS, long-lived and temporary",
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b",
        "AKIAIOSFODNN7EXAMPLE",
        ("AKIA", "ASIA", "ABIA", "ACCA"),
    ),
    Detector(
        "aws_secret_access_key",
        "secret access keys of AWS behind their name",
        rf"(?i:secret_?access_?key|aws_?secret(?:_?key)?){_ASSIGNS}([A-Za-z0-9/+]{{40}})(?:[^A-Za-z0-9/+]|$)",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ("secret",),
        assigned=True,
    ),
    Detector(
        "github_token",
        "personal, OAuth, app, installation and refresh tokens of GitHub",
        r"gh[pousr]_[A-Za-z0-9_]{36}[A-Za-z0-9_.-]*|github_pat_[A-Za-z0-9_]{40}[A-Za-z0-9_]*",
        "ghp_EXAMPLEexampleEXAMPLEexampleEXAMPLE0",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    ),
    Detector(
        "gitlab_token",
        "personal, deploy, runner, trigger, feed and agent tokens of GitLab",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat|oas|ffct)-[0-9A-Za-z_-]{20}[0-9A-Za-z_.-]*",
        "glpat-EXAMPLExxEXAMPLExx00",
        ("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glimt-", "glagent-", "glsoat-", "gloas-", "glffct-"),
    ),
    Detector(
        "slack_token",
        "tokens of Slack, and addresses of its incoming webhooks",
        r"xox[abeoprs](?:\.xox[bp])?-[0-9A-Za-z-]{10}[0-9A-Za-z-]*|\bxapp-[0-9]-[0-9A-Za-z-]{20}[0-9A-Za-z-]*"
        r"|hooks\.slack\.com/(?:services|workflows|triggers)/[0-9A-Za-z+/]{20}[0-9A-Za-z+/]*",
        "xoxb-EXAMPLE00000-EXAMPLE00000-EXAMPLEexampleEXAMPLEexa",
        ("xox", "xapp-", "hooks.slack.com/"),
    ),
    Detector(
        "stripe_key",
        "secret and restricted keys and webhook secrets of Stripe",
        r"[sr]k_(?:live|test)_[0-9A-Za-z]{16}[0-9A-Za-z]*|whsec_[0-9A-Za-z+/]{24}[0-9A-Za-z+/=]*",
        "rk_test_EXAMPLEexampleEXAMPLE00",
        ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
    ),
    Detector(
        "google_key",
        "API keys, OAuth client secrets and access tokens of Google",
        r"\bAIza[0-9A-Za-z_-]{35}|GOCSPX-[0-9A-Za-z_-]{28}|\bya29\.[0-9A-Za-z_-]{20}[0-9A-Za-z_.-]*",
        "AIzaSyEXAMPLE-EXAMPLE_EXAMPLE-EXAMPLE00",
        ("AIza", "GOCSPX-", "ya29."),
    ),
    Detector(
        "model_key",
        "API keys of OpenAI, Anthropic, OpenRouter, Hugging Face, Groq, xAI, Replicate and Perplexity",
        r"\bsk-(?:proj|svcacct|admin|ant-[a-z]+[0-9]{2}|or-v1)-[0-9A-Za-z_-]{20}[0-9A-Za-z_-]*"
        r"|\bsk-[0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}|\bsk-[0-9A-Za-z]{48}\b"
        r"|\bhf_[A-Za-z]{34}\b|\bgsk_[0-9A-Za-z]{52}\b|\bxai-[0-9A-Za-z]{70}[0-9A-Za-z]*|\br8_[0-9A-Za-z]{37}\b"
        r"|\bpplx-[0-9A-Za-z]{48}\b",
        "sk-ant-api03-EXAMPLE_EXAMPLE-EXAMPLE_EXAMPLE",
        ("sk-", "hf_", "gsk_", "xai-", "r8_", "pplx-"),
    ),
    Detector(
        "npm_token",
        "access tokens of npm",
        r"npm_[0-9A-Za-z]{36}\b",
        "npm_EXAMPLEexampleEXAMPLEexampleEXAMPLE0",
        ("npm_",),
    ),
    Detector(
        "pypi_token",
        "upload tokens of PyPI",
        r"pypi-AgE[0-9A-Za-z_-]{40}[0-9A-Za-z_-]*",
        "pypi-AgEIcHlwaS5vcmcCJEXAMPLEexampleEXAMPLEexampleEXAMPLE",
        ("pypi-AgE",),
    ),
    Detector(
        "toolgate_token",
        "grant tokens and API tokens of Toolgate itself",
        r"tgt?_[0-9A-Za-z]{49}\b",
        "tg_EXAMPLEexampleEXAMPLEexampleEXAMPLEexampleEXAMPLE",
        ("tg_", "tgt_"),
    ),
    Detector(
        "jwt",
        "JSON web tokens, signed or not",
        r"\beyJ[0-9A-Za-z_-]{8}[0-9A-Za-z_-]*\.eyJ[0-9A-Za-z_-]{8}[0-9A-Za-z_-]*\.[0-9A-Za-z_-]*",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJleGFtcGxlIn0.EXAMPLE_EXAMPLE-EXAMPLE",
        ("eyJ",),
    ),
    Detector(
        "url_credentials",
        "the password in a URL",
        r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/?#@:\"'<>`]{0,100}:([^\s/?#\"'<>`]{1,200})@[A-Za-z0-9\[]",
        "postgres://app:EXAMPLE@db.example/orders",
        ("://",),
    ),
    Detector(
        "assigned_secret",
        "what is assigned to a name such as `password` or `api_key`, in quotes or as a setting",
        rf"(?i:passw(?:or)?d|passphrase|secret|api_?key|access_?key|auth_?token|access_?token|private_?key)"
        rf"{_ASSIGNS}([^\s\"'`\\,;(){{}}\[\]<>$]{{8,200}})",
        'DB_PASSWORD="EXAMPLE-example-1"',
        ("passw", "passphrase", "secret", "key", "token"),
        assigned=True,
        on_request=True,
    ),
)
BY_NAME: Final = {detector.name: detector for detector in DETECTORS}


def named(names: Iterable[str]) -> tuple[Detector, ...]:
    """The detectors that a valid `redact` names, each once, in the order of the table."""
    wanted = set(names)
    return tuple(each for each in DETECTORS if each.name in wanted or (ALL in wanted and not each.on_request))


Find = Callable[[bytes], Iterable[Any]]


@cache
def finder(detector: Detector) -> Find:
    """A function that gives every match in UTF-8; the patterns are ASCII, so bytes do as well as characters."""
    find: Find = _compiled(detector.pattern).finditer
    return find


@cache
def scout(detectors: tuple[Detector, ...], *besides: str) -> Callable[[bytes], object]:
    """A function that finds the first hint of these detectors, or one of the texts `besides`; None where none is."""
    texts = [*besides, *(hint for detector in detectors for hint in detector.hints)]
    search: Callable[[bytes], object] = _compiled(f"(?i){'|'.join(map(re.escape, texts))}").search
    return search


def _compiled(pattern: str) -> Any:
    re2 = importlib.import_module("re2")  # 2.5 MB that a policy without it does not pay for
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern.encode(), options)

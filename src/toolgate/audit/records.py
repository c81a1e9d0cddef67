"""What the journal says: one struct for each kind of entry, in the order of its fields on the line."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from toolgate.errors import ToolgateError
from toolgate.policy.decision import Charge

Result = Literal[
    "result",
    "tool_error",
    "rpc_error",
    "timeout",
    "unreachable",
    "lost",
    "client_gone",
    "stopped",
    "error",
    "approved",
    "refused",
    "waiting",
]
"""How a forwarded call ended: its result, a result with `isError`, a JSON-RPC error, or why no answer came.

The last three end a decision to `wait`: `approved` and `refused` are followed by a decision of their own with the same
`approval_id`, `waiting` says that the client was told to repeat the call.
"""

TEXT_LIMIT = 256
NAMES_LIMIT = 64
LINE_LIMIT = 16 * 1024


class EntryUnreadable(ToolgateError):
    """A line of the journal that is no entry."""


class Entry(msgspec.Struct, tag_field="kind", omit_defaults=True, gc=False):
    """The part that all entries share. `time` is in epoch seconds; the journal itself fills the other three.

    `prev` is the SHA-256 of the line before (with its newline), in hex; 64 zeros in the first entry of a chain.
    """

    time: float
    seq: int = -1
    prev: str = ""
    node: str = ""


class Start(Entry, tag="start", kw_only=True):
    """The first entry of a chain: which process writes it, and the key that its checkpoints are signed with.

    `public_key` is the Ed25519 key as base64 of its DER form (the body of a PEM file).
    """

    chain: str
    pid: int
    version: str
    key_id: str
    public_key: str


class LimitFacts(msgspec.Struct, omit_defaults=True):
    """The limit that refused a call, as the client is told: amounts in nano units, `resets_at` in epoch seconds."""

    counter: str
    used: int
    maximum: int
    resets_at: int | None


class Decision(Entry, tag="decision", kw_only=True):
    """What was decided of one message, written before anything is forwarded. Holds no argument's value.

    `arguments_digest` is keyed, so that nobody guesses short values from it. `charges` are the reserved ones (their
    amounts in nano units): counters in memory are rebuilt from them. `decided_by` is the person who decided on the
    approval `approval_id`. `category` and `risk` are what the tool was taken for ("" where nobody had accepted that).
    `decided_in` is in microseconds.
    """

    decision_id: str
    outcome: Literal["allow", "deny", "wait"]
    request_id: int | str | None = None
    organisation: str = ""
    server_id: str = ""
    grant_id: str = ""
    grant_label: str = ""
    principal: str = ""
    session: str = ""
    protocol: str = ""
    method: str = ""
    tool: str = ""
    policy_id: str = ""
    revision: int = 0
    fingerprint: str = ""
    category: str = ""
    risk: str = ""
    rule: str = ""
    message: str = ""
    argument_names: tuple[str, ...] = ()
    arguments_digest: str = ""
    charges: tuple[Charge, ...] = ()
    approval_id: str = ""
    decided_by: str = ""
    limit: LimitFacts | None = None
    decided_in: int = 0
    clipped: bool = False


class Outcome(Entry, tag="outcome", kw_only=True):
    """How a forwarded call ended; completes the decision of that id.

    `status` is the upstream's HTTP status, `code` its JSON-RPC error code. `settled` holds the actual amount of each
    settled counter key (nano units); `rolled_back` says that every charge was given back. `upstream_took` is in
    microseconds. `removed` is the number of hidden characters that were found in what came back, `redacted` that of
    the secrets that were taken out, by detector; `withheld` is the rule that let the answer not pass.
    """

    decision_id: str
    result: Result
    status: int | None = None
    code: int | None = None
    settled: dict[str, int] = {}
    rolled_back: bool = False
    upstream_took: int = 0
    removed: int = 0
    redacted: dict[str, int] = {}
    withheld: str = ""


class Refused(Entry, tag="refused", kw_only=True):
    """Requests without a valid grant or of the wrong form, counted together: nobody outside makes the journal grow."""

    reason: str
    addresses: str
    count: int
    since: float


class Sum(Entry, tag="sum", kw_only=True):
    """Denials of one grant by one rule that were not recorded one by one: "`count` more of this rule"."""

    grant_id: str
    rule: str
    count: int
    since: float
    grant_label: str = ""
    server_id: str = ""


class Gap(Entry, tag="gap", kw_only=True):
    """The journal could not be written: one entry when it begins, where there is room, and one when it has `ended`.

    `refused` decisions were denied without an entry of their own. `lost` counts ends of calls that could not even be
    kept in memory until writing worked again.
    """

    cause: str
    since: float
    refused: int = 0
    lost: int = 0
    ended: bool = False


class End(Entry, tag="end"):
    """The last entry of a chain whose process ended in good order."""


AnyEntry = Start | Decision | Outcome | Refused | Sum | Gap | End

_encode: Callable[[list[Entry]], bytes] = msgspec.json.Encoder().encode_lines
_decode: Callable[[bytes | str], AnyEntry] = msgspec.json.Decoder(AnyEntry).decode

# JSON lets these stand as they are, but they move a terminal's cursor, or turn the direction of the text.
_ACTIVE = re.compile("[\x80-\x9f\u2028-\u202e\u2066-\u2069]")


def line_of(entry: Entry) -> bytes:
    """The entry as one line with its newline, every control character escaped: no value ends the line or acts on it.

    A decision longer than 16 KiB has its texts cut and says `clipped`: a client cannot fill the disk with long names.
    """
    try:
        line = _encode([entry])
    except UnicodeEncodeError:
        line = _encode([_cleaned(entry)])
    if len(line) > LINE_LIMIT and isinstance(entry, Decision):
        line = _encode([_cleaned(entry)])
    return line if line.isascii() else _ACTIVE.sub(_escape, line.decode()).encode()


def read_line(line: bytes | str) -> AnyEntry:
    """The entry of one line; raises EntryUnreadable."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EntryUnreadable("journal", f"the line is no entry: {error}") from error


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _cleaned(entry: Entry) -> Entry:
    changes: dict[str, object] = {}
    for name in entry.__struct_fields__:
        value = getattr(entry, name)
        if isinstance(value, str):
            changes[name] = _clean(value)
    if isinstance(entry, Decision):
        changes["argument_names"] = tuple(map(_clean, entry.argument_names[:NAMES_LIMIT]))
        changes["clipped"] = True
    if isinstance(entry, Outcome):
        changes["settled"] = {_clean(key): amount for key, amount in entry.settled.items()}
    return msgspec.structs.replace(entry, **changes)


def _clean(text: str) -> str:
    return text[:TEXT_LIMIT].encode(errors="replace").decode()

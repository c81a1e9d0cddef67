"""A held call on its way to a person's eyes: whole, in order, and with nothing hidden."""

from __future__ import annotations

import json

import msgspec

from toolgate.control.inbox import call
from toolgate.control.inbox.call import Call, Value, readable
from toolgate.control.inbox.circumstances import at_pointer


def sealed(arguments: str, more: str = "") -> Call:
    return call.read(f'{{"method":"tools/call","params":{{"name":"pay","arguments":{arguments}{more}}}}}'.encode())


def shown(now: str, earlier: str | None = None) -> dict[str, Value]:
    before = None if earlier is None else sealed(earlier).arguments
    return {value.name: value for value in call.values(sealed(now).arguments, before)}


def test_every_value_is_shown_as_it_was_sent() -> None:
    found = shown('{"a":1.0,"b":12345678901234567890123,"c":"x","d":{"e":[true,null]},"f":1e400,"g":[],"h":false}')
    texts = {name: value.text for name, value in found.items()}
    assert texts["a"] == "1.0"
    assert texts["b"] == "12345678901234567890123"
    assert texts["c"] == '"x"'
    assert texts["f"] == "1e400"
    assert json.loads(texts["d"]) == {"e": [True, None]}
    kinds = [value.kind for value in found.values()]
    assert kinds == ["number", "number", "text", "object", "number", "list", "boolean"]


def test_what_could_hide_is_escaped_and_no_text_passes_for_an_escape() -> None:
    found = shown(json.dumps({"to\u202e": "a\u202eb\u200b\x07", "plain": "\\u202e"}, ensure_ascii=False))
    assert list(found) == ["to\\u202e", "plain"]
    assert found["to\\u202e"].text == '"a\\u202eb\\u200b\\u0007"'
    assert found["plain"].text == '"\\\\u202e"'


def test_lines_of_a_text_are_lines_on_the_page() -> None:
    assert readable(json.dumps("one\ntwo\\nthree\n").encode()) == '"one\\n\ntwo\\\\nthree\\n\n"'


def test_long_values_are_marked_and_complete() -> None:
    found = shown(json.dumps({"text": "x" * 5000, "lines": "a\n" * 50, "short": "x" * 100}))
    assert [value.long for value in found.values()] == [True, True, False]
    assert found["text"].text == f'"{"x" * 5000}"'


def test_each_argument_says_what_became_of_it_since_the_last_approved_call() -> None:
    found = shown('{"a":{"x":1,"y":2},"b":1.0,"c":"new","d":2}', '{"a":{"y":2,"x":1},"b":1,"d":2,"e":"gone"}')
    changes = {name: value.change for name, value in found.items()}
    assert changes == {"a": "same", "b": "changed", "c": "new", "d": "same"}
    assert (found["b"].text, found["b"].before, found["b"].diff) == ("1.0", "1", ())
    (gone,) = call.left_out(sealed('{"a":1}').arguments, sealed('{"a":1,"e":"gone"}').arguments)
    assert (gone.name, gone.text) == ("e", '"gone"')
    assert [value.change for value in shown('{"a":1}').values()] == [""]


def test_a_changed_text_shows_the_lines_that_changed() -> None:
    lines = [f"line {number}" for number in range(40)]
    before = json.dumps({"script": "\n".join(lines)})
    after = json.dumps({"script": "\n".join([*lines[:20], "rm -rf /", *lines[21:]])})
    diff = shown(after, before)["script"].diff
    assert ("-", "line 20\\n") in diff
    assert ("+", "rm -rf /\\n") in diff
    assert len(diff) < 10


def test_very_long_values_are_not_compared_line_by_line() -> None:
    before, after = json.dumps({"a": "x\n" * 3000}), json.dumps({"a": "y\n" * 3000})
    assert shown(after, before)["a"].diff[0][0] == "…"


def test_what_else_reaches_the_server_is_shown_too() -> None:
    whole = sealed("{}", ',"_meta":{"tenant":"a"}')
    assert [value.name for value in call.values(whole.others, None)] == ["_meta"]
    method = call.read(b'{"method":"resources/read","params":{"uri":"docs://a","_meta":{"k":1}}}')
    assert list(method.arguments) == ["uri"]
    assert list(method.others) == ["_meta"]
    assert call.read(b'{"method":"tools/call","params":{"name":"x"}}').arguments == {}


def test_a_pointer_leads_to_its_part_of_the_document() -> None:
    document = msgspec.json.decode(b'{"tools":{"a/b~c":{"require_approval":[{"conditions":[]}]}}}')
    assert at_pointer(document, "/tools/a~1b~0c/require_approval/0") == {"conditions": []}
    for nowhere in (
        "(default deny)",
        "/tools/x",
        "/tools/a~1b~0c/require_approval/7",
        "/tools/a~1b~0c/require_approval/x",
    ):
        assert at_pointer(document, nowhere) is None

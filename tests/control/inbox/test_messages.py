"""What webhooks are told: enough to act on, nothing that acts on its reader."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest

from toolgate.control.inbox import call, messages
from toolgate.control.inbox.messages import Notice

from .test_links import APPROVAL

HOSTILE = "<!channel> <@U1> <https://evil.example|ok> *bold* & :smile: \u202eevil\nServer\nprod"
CALL = call.read(b'{"method":"tools/call","params":{"name":"pay","arguments":{"amount":1.0,"to":"a\\nServer: x"}}}')
NOTICE = Notice("pending", 1000.0, APPROVAL, CALL, "https://gate/approvals/x", "https://gate/decide/y")


def generic(notice: Notice, *, values: bool = False) -> Any:
    return json.loads(messages.generic(notice, values=values))


def slack(notice: Notice, *, values: bool = False) -> Any:
    return json.loads(messages.slack(notice, values=values))


def texts(block: Any) -> list[Any]:
    """Every text object of a message."""
    if isinstance(block, list):
        return [text for item in block for text in texts(item)]
    if isinstance(block, dict):
        own = [block] if "text" in block and "type" in block and isinstance(block["text"], str) else []
        return own + [text for value in block.values() for text in texts(value)]
    return []


def test_a_generic_message_names_arguments_and_holds_no_value() -> None:
    told = generic(NOTICE)
    assert (told["type"], told["timestamp"]) == ("approval.pending", "1970-01-01T00:16:40Z")
    assert told["data"]["arguments"] == ["amount", "to"]
    assert (told["data"]["id"], told["data"]["tool"], told["data"]["state"]) == (APPROVAL.id, "deploy", "pending")
    assert (told["data"]["url"], told["data"]["decide_url"]) == (NOTICE.page, NOTICE.link)
    assert "call" not in told["data"]
    assert "1.0" not in messages.generic(NOTICE, values=False).decode()


def test_values_are_sent_where_the_webhook_says_so_and_as_they_were_written() -> None:
    assert b'"amount":1.0' in messages.generic(NOTICE, values=True)
    assert generic(NOTICE, values=True)["data"]["call"]["params"]["arguments"]["to"] == "a\nServer: x"


def test_a_message_without_a_link_or_a_call_says_what_it_can() -> None:
    told = generic(replace(NOTICE, link="", call=None, event="denied"))
    assert told["type"] == "approval.denied"
    assert not {"decide_url", "arguments", "call"} & told["data"].keys()
    assert generic(replace(NOTICE, event="test"))["type"] == "webhook.test"


def test_the_signature_is_that_of_the_specification() -> None:
    """The example of Standard Webhooks 1.0 (section "Signature scheme"), and our own by hand."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    headers = messages.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." + body
    assert hmac.new(key, signed, hashlib.sha256).digest() == base64.b64decode(headers["webhook-signature"][3:])


@pytest.mark.parametrize("values", [False, True])
def test_hostile_text_mentions_nobody_links_nowhere_and_has_no_format(values: bool) -> None:
    arguments = json.dumps({HOSTILE: HOSTILE})
    hostile = call.read(f'{{"method":"tools/call","params":{{"name":"x","arguments":{arguments}}}}}'.encode())
    words = dict.fromkeys(("tool", "server_name", "grant_label", "principal", "reason", "rule"), HOSTILE)
    told = slack(replace(NOTICE, approval=replace(APPROVAL, **words), call=hostile), values=values)  # type: ignore[arg-type]
    assert told["text"] == f"Toolgate: a call waits for a person ({APPROVAL.id})"
    assert (told["unfurl_links"], told["unfurl_media"]) == (False, False)
    for text in texts(told["blocks"]):
        assert (text["type"], text["emoji"]) == ("plain_text", False)
        assert "<" not in text["text"]
        assert ">" not in text["text"]
        assert "\u202e" not in text["text"]
    fields = told["blocks"][1]["fields"]
    assert [field["text"].split("\n")[0] for field in fields] == ["Call", "Server", "Grant", "Principal", "Waits until"]
    assert all(field["text"].count("\n") == 1 for field in fields)
    assert "\nServer" not in told["blocks"][3]["text"]["text"]


def test_slack_gets_a_button_that_leads_to_the_link() -> None:
    (button,) = next(block for block in slack(NOTICE)["blocks"] if block["type"] == "actions")["elements"]
    assert (button["type"], button["url"]) == ("button", NOTICE.link)
    (page,) = next(block for block in slack(replace(NOTICE, link=""))["blocks"] if block["type"] == "actions")[
        "elements"
    ]
    assert page["url"] == NOTICE.page


def test_slack_is_sent_no_text_that_it_refuses_for_its_length() -> None:
    long = "&<" * 5000
    words = dict.fromkeys(("tool", "server_name", "grant_label", "principal", "reason", "rule"), long)
    arguments = json.dumps({f"name{number}": long for number in range(200)})
    whole = call.read(f'{{"method":"tools/call","params":{{"name":"x","arguments":{arguments}}}}}'.encode())
    for values in (False, True):
        told = slack(replace(NOTICE, approval=replace(APPROVAL, **words), call=whole), values=values)  # type: ignore[arg-type]
        assert all(0 < len(text["text"]) <= 3000 for text in texts(told["blocks"]))
        assert all(len(field["text"]) <= 2000 for field in told["blocks"][1]["fields"])
        assert told["blocks"][2]["text"]["text"].endswith(("&amp;…", "&lt;…"))
    empty = slack(
        replace(
            NOTICE,
            approval=replace(APPROVAL, reason="", principal=""),
            call=call.read(b'{"method":"tools/call","params":{"name":"x"}}'),
        )
    )
    assert all(text["text"] for text in texts(empty["blocks"]))

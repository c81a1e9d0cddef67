"""What is said of categories, risks and signals, in the words of this product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolgate.classifier.classify import Category, Risk


@dataclass(slots=True, frozen=True)
class Told:
    """A category: what its tools do, what agents do with them, why that needs a policy, what the policy is."""

    means: str
    used: str
    why: str
    rule: str


CATEGORIES: Final[dict[Category, Told]] = {
    "Read": Told(
        "It retrieves or computes something and changes nothing that outlives the call.",
        "Agents call it to look things up before they act, often many times in a row.",
        "A tool that only reads still decides what an agent gets to see. What it returns may be private, or may be "
        "written by strangers who want the agent to do something else with its other tools.",
        "It is allowed by name. Everything that the policy does not name stays closed.",
    ),
    "Write": Told(
        "It creates or modifies something, in a way that can be undone.",
        "Agents call it to file, update or publish what they worked out.",
        "Each change can be undone, a thousand of them hardly. An agent in a loop, or one that was talked into it, "
        "makes them faster than people notice.",
        "It is allowed 30 times a minute for each grant.",
    ),
    "Execute": Told(
        "It starts something whose effect depends on what it is given: a process, a query, a build, a message.",
        "Agents call it to get work done that no narrower tool does.",
        "What it does is decided by its arguments, so its name promises little. Whoever can steer the arguments, by a "
        "poisoned page for instance, steers what is run.",
        "It is allowed 10 times a minute for each grant, and its arguments deserve rules of their own.",
    ),
    "Destructive": Told(
        "It deletes or overwrites something for good.",
        "Agents call it to clean up, and sometimes because it was the shortest way to an empty list.",
        "There is no way back from it. Few agents need it, and none needs it by default.",
        "It is hidden: agents do not see it, and a call of it is refused as if it did not exist.",
    ),
    "Financial": Told(
        "It moves money, or commits to spending it.",
        "Agents call it to pay, refund, order or book on behalf of somebody.",
        "Money that went out is hard to get back, and a wrong amount looks like a right one. A person should agree "
        "to each call before it is made.",
        "Each call waits until a person approves it.",
    ),
}

RISKS: Final[dict[Risk, str]] = {
    "Critical": "Destroys for good, or moves money.",
    "High": "Runs something that its arguments decide on.",
    "Medium": "Changes things in a way that can be undone.",
    "Low": "Changes nothing.",
}
"""The riskiest first."""


@dataclass(slots=True, frozen=True)
class Sign:
    """A kind of signal: its name, and what a policy can do about it."""

    name: str
    advice: str


SIGNALS: Final[dict[str, Sign]] = {
    "path": Sign(
        "Accepts a file system path",
        "Without a rule it reaches every file that the server can. Bind the argument with `path_under` to one folder.",
    ),
    "url": Sign(
        "Accepts a URL or endpoint",
        "It can be pointed at services inside your network. Bind the argument with `host_in` to the hosts you mean.",
    ),
    "code": Sign(
        "Accepts free code or a query",
        "What it does is whatever is written there. Let statements be parsed with `sql_only`, or choose from a list.",
    ),
    "markup": Sign(
        "Accepts raw HTML or a template",
        "What is passed may be rendered or run elsewhere. Limit its length, and look at where it ends up.",
    ),
    "secret": Sign(
        "Handles credentials or secrets",
        "An agent that passes a secret has seen it. Let the gateway hold credentials, and require the argument absent.",
    ),
    "mail": Sign(
        "Sends to addresses that the caller chooses",
        "It is a way out for data. Bind the recipients with `email_domain_in` to domains of your own.",
    ),
    "many": Sign(
        "Has many parameters",
        "Ten or more properties are hard to review. Require those that you mean to be absent or to have few values.",
    ),
    "bulk": Sign(
        "Acts on many things at once",
        "One call does what a limit on calls was meant to slow down. Bound the length of its lists.",
    ),
    "admin": Sign(
        "Is an operation of administrators",
        "It changes who may do what, or how the system itself is set up. Agents seldom need it: hide it.",
    ),
    "untrusted": Sign(
        "Returns content that strangers wrote",
        "What it returns may hold instructions to the model. Keep tools that send or destroy behind a person.",
    ),
    "sends": Sign(
        "Sends data out",
        "Together with a tool that reads private data it is a leak. Bind where it may send to.",
    ),
    "undeclared": Sign(
        "Accepts properties that it does not declare",
        "Arguments that no rule names pass unseen. Check arguments against the schema, and forbid additional ones.",
    ),
}
"""By the id of `classifier.signals.Signal`."""


def signal_name(id_: str) -> str:
    """What a kind of signal is called; its id for one that a newer classifier has."""
    return SIGNALS[id_].name if id_ in SIGNALS else id_.replace("_", " ")

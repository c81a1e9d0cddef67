"""A description as sentences, each without what stands before its verb."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPENING, _SENTENCES = 900, 5
_END = re.compile(r"(?<=[.!?:;])\s+|[\n\r]+|[。！？；]|\s[-–—•*|]\s")
_FRAME = re.compile(
    r"""\[[^\]]{0,60}\]|\([^)]{0,60}\)|<[^>]{0,60}>|[\s\W_]+
    |(?:tool\ name|name)\s*:\s*\S+|[a-z]+(?:\ [a-z]+)?\s*:(?=\s)
    |(?:please\ )?use\ (?:this|it|the)\b(?:\ (?:tool|endpoint|function|api|command|method|action))?
      (?:\ (?:to|for|when|whenever|if)\ (?:you|(?:the|a)\ user|users)?\ ?
        (?:\w+ly\ )?(?:needs?|wants?|asks?|requests?)?\ ?(?:to)?)?
    |(?:this|the)\ (?:\w+\ ){0,2}?
      (?:tool|endpoint|function|api|method|command|operation|service|action|utility|server|query)\b
    |(?:an?\ )?(?:\w+\ ){0,2}?(?:tool|endpoint|function|api|utility)\ (?:to|for|that|which)\b
    |(?:mcp\ )?tools?\ (?:to|for)\b|(?:an?\ )?api\ (?:to|for)\b|api\b
    |(?:it|that|which|will|can|may|should|must|to|is|are|be|used|designed|intended|meant|able|helps?|you|your|we|i|and|by|for)\b
    |(?:allows?|lets?|enables?)\b
      (?:\ (?:you|(?:the\ )?(?:users?|agents?|models?|ai|llms?|clients?)|us)\b|(?=\ (?:for|to|chat|\w+ing)\b))
    |(?:provides?|gives?|offers?|has|have)\ (?:the\ |an?\ )?
      (?:ability|capability|functionality|way|option|interface|means)s?\ (?:to|of|for)
    |(?:(?:serves?|acts?)\ as|responsible\ for|attempts?\ to|tr(?:y|ies)\ to|useful\ for|used\ for)
    |(?:(?!(?:app|rep|multip|supp|imp|comp|re|f|assemb|anoma|fami)ly\b)\w+ly
      |force|batch|bulk|quick|simple|now|just|then|first|also|always|again|only|easy|both|either)\b""",
    re.VERBOSE | re.IGNORECASE,
)
_ADVICE = re.compile(
    r"https?:|```|(?:use|call|useful)\s+(?:when|if|after|before|with)\b"
    r"|(?:please\s+)?(?:make\s+sure|ensure\s+(?:that|you)|note|remember\s+(?:that|to))\b",
    re.IGNORECASE,
)
"""Sentences that say when to use a tool, and lines that are no sentences."""


def sentences(text: str) -> Iterator[str]:
    """The first five sentences and lines of a text that tell something; of its first 900 characters."""
    opening = text[:_OPENING]
    kept = 0
    for part in _END.split(opening):
        stripped = part.strip()
        if len(stripped) > 2 and not _ADVICE.match(stripped):
            yield stripped
            kept += 1
            if kept == _SENTENCES:
                return


def unframed(sentence: str) -> str:
    """The sentence without what stands before its verb: `Use this tool to`, `[API]`, `Allows you to`, `Quickly`."""
    at = 0
    for _ in range(12):
        found = _FRAME.match(sentence, at)
        if found is None or found.end() == len(sentence):
            break
        at = found.end()
    return sentence[at:]

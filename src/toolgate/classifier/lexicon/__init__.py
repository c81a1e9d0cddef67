"""Words and phrases by what they mean, as data: the TOML files beside this one, each entry with an example."""

from toolgate.classifier.lexicon.entries import KINDS, Entry, entries_of
from toolgate.classifier.lexicon.files import digest, extended, is_verb, shipped, shipped_entries
from toolgate.classifier.lexicon.words import Lexicon, Verb

__all__ = [
    "KINDS",
    "Entry",
    "Lexicon",
    "Verb",
    "digest",
    "entries_of",
    "extended",
    "is_verb",
    "shipped",
    "shipped_entries",
]

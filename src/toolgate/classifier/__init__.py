"""Tells what a tool does from its definition: category, risk, signals, and the policy they ask for."""

VERSION = "1-5"
"""Names the lexicon and the rules that judged; another one may judge otherwise."""

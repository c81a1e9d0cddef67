"""Tells what a tool does from its definition: category, risk, signals, and the policy they ask for."""

RULES = 4
"""Counted up by whoever changes a rule in a way that can change an answer."""

VERSION: str
"""Names the lexicon and the rules that judged; another one may judge otherwise."""


def __getattr__(name: str) -> str:
    # The lexicon is read when somebody first asks: importing a module of this package must cost nothing.
    if name != "VERSION":
        raise AttributeError(name)
    from toolgate.classifier.lexicon import digest

    globals()["VERSION"] = digest(RULES)
    return str(globals()["VERSION"])

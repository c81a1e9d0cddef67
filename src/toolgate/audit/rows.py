"""What lines of the journal become in the index: rows, ends of rows, counts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from toolgate.audit.export import summary
from toolgate.audit.filters import words_of
from toolgate.audit.reader import Located
from toolgate.audit.records import End, Entry, Gap, Refused, Result, Start, Sum
from toolgate.audit.tallies import Tally

COLUMNS: Final = (
    "chain, seq, segment, offset, time, organisation_id, outcome, tool, rule, server_id, grant_id, grant_label,"
    " policy_id, words, decision_id, result, result_segment, result_offset"
)
_UNENDED: Final = (None, None, None)


class BriefDecision(Entry, tag="decision", kw_only=True, gc=False):
    """What the index takes from a decision: reading no more costs a third of reading all."""

    decision_id: str
    outcome: str
    organisation: str = ""
    server_id: str = ""
    grant_id: str = ""
    grant_label: str = ""
    principal: str = ""
    method: str = ""
    tool: str = ""
    policy_id: str = ""
    rule: str = ""
    message: str = ""


class BriefOutcome(Entry, tag="outcome", kw_only=True, gc=False):
    """What the index takes from an outcome."""

    decision_id: str
    result: Result


BriefEntry = BriefDecision | BriefOutcome | Sum | Refused | Gap | Start | End
read_briefly: Callable[[bytes], BriefEntry] = msgspec.json.Decoder(BriefEntry).decode
"""The entry of a line, as far as the index needs it; raises msgspec.DecodeError, UnicodeDecodeError."""

Row = list[object]


class Batch:
    """The rows and counts of one transaction. `organisation_of` knows that of a grant, by its id."""

    def __init__(self, organisation_of: Callable[[str], str]) -> None:
        self.rows: list[Row] = []
        self.ended: list[tuple[object, ...]] = []
        """Ends of decisions that are not among the rows: result, segment, offset, decision, chain."""
        self.tally = Tally()
        self._organisation_of = organisation_of
        self._fresh: dict[tuple[str, str], Row] = {}

    def take(self, located: Located, entry: BriefEntry, known: Collection[tuple[str, int]]) -> None:
        """Add one line; what is `known` (its chain and number) has its row and is counted already."""
        if isinstance(entry, BriefOutcome):
            self._end(located, entry)
        elif not isinstance(entry, Start | End) and (located.chain, entry.seq) not in known:
            self._begin(located, entry)

    def _end(self, located: Located, entry: BriefOutcome) -> None:
        end = (entry.result, located.after.segment, located.after.offset - len(located.line))
        row = self._fresh.get((located.chain, entry.decision_id))
        if row is None:
            self.ended.append((*end, entry.decision_id, located.chain))
        else:
            row[-3:] = end

    def _begin(self, located: Located, entry: BriefDecision | Sum | Refused | Gap) -> None:
        segment, offset = located.after
        row = [located.chain, entry.seq, segment, offset - len(located.line), entry.time]
        if isinstance(entry, BriefDecision):
            row += self._decision(entry)
            self._fresh[located.chain, entry.decision_id] = row
        else:
            row += self._other(entry)
        row += _UNENDED
        self.rows.append(row)

    def _decision(self, entry: BriefDecision) -> tuple[str, ...]:
        """From `organisation_id` to `decision_id`; counted."""
        organisation, server, grant, rule = entry.organisation, entry.server_id, entry.grant_id, entry.rule
        self.tally.decision(organisation, entry.time, entry.outcome, server, grant, rule)
        words = words_of(entry.message, rule, entry.tool, entry.grant_label, entry.principal, entry.method)
        what = (entry.outcome, entry.tool, rule, server, grant, entry.grant_label, entry.policy_id)
        return (organisation, *what, words, entry.decision_id)

    def _other(self, entry: Sum | Refused | Gap) -> tuple[str, ...]:
        """The same of what is no single decision."""
        said = summary(entry)
        if isinstance(entry, Sum):
            organisation = self._organisation_of(entry.grant_id)
            self.tally.sum(organisation, entry)
            words = words_of(said, entry.rule, "", entry.grant_label, "", "")
            who = (entry.server_id, entry.grant_id, entry.grant_label)
            return (organisation, "deny", "", entry.rule, *who, "", words, "")
        if isinstance(entry, Refused):
            self.tally.refused("", entry)
            return ("", "refused", "", entry.reason, "", "", "", "", words_of(said, entry.reason, "", "", "", ""), "")
        self.tally.gap("", entry)
        return ("", "gap", "", "", "", "", "", "", words_of(said, "", "", "", "", ""), "")

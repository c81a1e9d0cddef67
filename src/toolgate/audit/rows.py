"""What lines of the journal become in the index: rows, ends of rows, counts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

import msgspec

from toolgate.audit.export import summary
from toolgate.audit.reader import Located
from toolgate.audit.records import End, Entry, Gap, Refused, Result, Start, Sum
from toolgate.audit.tallies import Tally

COLUMNS: Final = (
    "chain, seq, segment, offset, time, organisation_id, decision_id, outcome, grant_id, grant_label, principal,"
    " server_id, method, tool, rule, policy_id, message, result, result_segment, result_offset"
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
        """From `organisation_id` to `message`; counted."""
        self.tally.decision(entry.organisation, entry.time, entry.outcome, entry.server_id, entry.grant_id, entry.rule)
        return (
            entry.organisation,
            entry.decision_id,
            entry.outcome,
            entry.grant_id,
            entry.grant_label,
            entry.principal,
            entry.server_id,
            entry.method,
            entry.tool,
            entry.rule,
            entry.policy_id,
            entry.message,
        )

    def _other(self, entry: Sum | Refused | Gap) -> tuple[str, ...]:
        """The same of what is no single decision."""
        if isinstance(entry, Sum):
            organisation = self._organisation_of(entry.grant_id)
            self.tally.sum(organisation, entry)
            who = (entry.grant_id, entry.grant_label, "", entry.server_id)
            return (organisation, "", "deny", *who, "", "", entry.rule, "", summary(entry))
        if isinstance(entry, Refused):
            self.tally.refused("", entry)
            return ("", "", "refused", "", "", "", "", "", "", entry.reason, "", summary(entry))
        self.tally.gap("", entry)
        return ("", "", "gap", "", "", "", "", "", "", "", "", summary(entry))

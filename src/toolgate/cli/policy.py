"""`toolgate policy`: documents are checked and tested as files, then stored as revisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from toolgate.cli import exits, printing
from toolgate.cli.administration import Administration
from toolgate.cli.chosen import administration
from toolgate.cli.files import read_text
from toolgate.cli.groups import new_group
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption, examples
from toolgate.cli.policy_preset import MAX_FILE, preset
from toolgate.policy.cases import CasesReport, run_cases
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document, PolicyError, Problem, parse
from toolgate.policy.lint import Finding, lint

app = new_group("Check, test and store policies.")

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The policy document (JSON).")]
NameArgument = Annotated[str, typer.Argument(metavar="POLICY", help="Name or id of the policy.")]
ServerOption = Annotated[
    str | None, typer.Option("--server", metavar="SERVER", help="Also look at the tools of this server.")
]


@app.command(
    epilog=examples(
        "toolgate policy add careful policy.json", "toolgate policy add careful policy.json --server cargo --json"
    )
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How you will call it; an existing one is revised.")],
    file: FileArgument,
    server: ServerOption = None,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Store a document as the policy's new revision.

    It is in force from the next request on. Findings are printed and do not hinder it. The text that is current
    already makes no new revision.
    """
    text = _text(file)
    document = _valid(text)
    place = administration(data)
    findings = lint(document, _tools(place, server))
    stored = place.put_policy(name, text)
    if as_json:
        printing.emit_json({**stored, "findings": [asdict(finding) for finding in findings]})
    else:
        printing.say(f"{stored['name']} is at revision {stored['revision']}")
        printing.fields({"id": stored["id"], "digest": stored["digest"]})
        _print_findings(findings)
    place.confirm(wait)


def _valid(text: str) -> Document:
    """The document; one that is not valid is reported whole, and ends the command."""
    try:
        return parse(text)
    except PolicyError as error:
        for problem in error.problems:
            printing.complain(f"error: {problem.pointer or 'policy'}: {problem.cause}", problem.mend)
        raise typer.Exit(exits.BAD_INPUT) from None


def _tools(place: Administration, server: str | None) -> dict[str, Definition] | None:
    """The definitions of a server's tools; of one that is withheld on a pinned server only where there is no other."""
    if server is None:
        return None
    versions = sorted(place.tools(server), key=lambda version: str(version["status"]), reverse=True)
    return {version["name"]: Definition(version["definition"]) for version in versions}


def _text(file: Path) -> str:
    """The text of a file that a person wrote. Raises BadInput."""
    return read_text(file, MAX_FILE, "split it into several policies")


def _print_findings(findings: Sequence[Finding]) -> None:
    for finding in findings:
        printing.say(f"{finding.severity}: {finding.pointer or 'policy'}: {finding.cause} [{finding.code}]")
        if finding.mend:
            printing.say(f"  help: {finding.mend}")


@app.command("list", epilog=examples("toolgate policy list", "toolgate policy list --json"))
def list_(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the policies."""
    found = administration(data).policies()
    if as_json:
        printing.emit_json(found)
        return
    rows = [(it["name"], it["revision"], it["grants"], it["author"], it["created"]) for it in found]
    empty = "no policies yet: `toolgate policy add NAME FILE` stores one"
    printing.table(("name", "revision", "grants", "author", "since"), rows, empty)


@app.command(epilog=examples("toolgate policy show careful", "toolgate policy show careful --revision 2 --json"))
def show(
    policy: NameArgument,
    revision: Annotated[
        int | None, typer.Option("--revision", min=1, metavar="N", help="An older revision than the current one.")
    ] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a policy's document as it was given.

    With --json also who stored which revision when.
    """
    found = administration(data).policy(policy, revision)
    if as_json:
        printing.emit_json(found)
    else:
        printing.document(found["document"])


@app.command(epilog=examples("toolgate policy remove careful"))
def remove(policy: NameArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False) -> None:
    """Remove a policy that no living grant is under; its revisions stay for the records."""
    place = administration(data)
    removed = place.remove_policy(policy)
    if as_json:
        printing.emit_json(removed)
    else:
        printing.say(f"removed {removed['name']}")
    place.confirm(wait)


@app.command(epilog=examples("toolgate policy check policy.json", "toolgate policy check policy.json --server cargo"))
def check(
    file: FileArgument, server: ServerOption = None, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Validate a document, and point out what is probably not meant.

    Leaves with 1 when it is not valid or there is a warning; notes alone leave with 0.
    """
    text = _text(file)
    tools = _tools(administration(data), server) if server is not None else None
    problems: list[Problem] = []
    findings: list[Finding] = []
    try:
        findings = lint(parse(text), tools)
    except PolicyError as error:
        problems = error.problems
    warnings = [finding for finding in findings if finding.severity == "warning"]
    if as_json:
        report = {"problems": [asdict(it) for it in problems], "findings": [asdict(it) for it in findings]}
        printing.emit_json({"valid": not problems, **report})
    else:
        _print_check(problems, findings)
    if problems or warnings:
        raise typer.Exit(exits.FINDINGS)


def _print_check(problems: Sequence[Problem], findings: Sequence[Finding]) -> None:
    for problem in problems:
        printing.say(f"error: {problem.pointer or 'policy'}: {problem.cause}")
        if problem.mend:
            printing.say(f"  help: {problem.mend}")
    _print_findings(findings)
    printing.say("not valid" if problems else f"valid, {_count(len(findings), 'finding')}")


@app.command("test", epilog=examples("toolgate policy test cases.json", "toolgate policy test cases.json --json"))
def run_file(
    file: Annotated[Path, typer.Argument(metavar="CASES_FILE", help="Calls and the decisions expected of them.")],
    as_json: JsonOption = False,
) -> None:
    """Run the cases of a file against its policy. Leaves with 1 when one comes out otherwise.

    A policy that the file names by path is looked for beside it.
    """
    report = run_cases(_text(file), lambda path: _text(file.parent / path))
    if as_json:
        printing.emit_json(_reported(report))
    else:
        _print_report(report)
    if not report.passed:
        raise typer.Exit(exits.FINDINGS)


def _reported(report: CasesReport) -> dict[str, Any]:
    results = [
        {
            "note": result.note,
            "pointer": result.pointer,
            "passed": result.passed,
            "outcome": result.verdict.outcome,
            "rule": result.verdict.rule,
            "differences": result.differences,
        }
        for result in report.results
    ]
    return {"passed": report.passed, "results": results, "covered": report.covered, "uncovered": report.uncovered}


def _print_report(report: CasesReport) -> None:
    failed = [result for result in report.results if not result.passed]
    for result in failed:
        printing.say(f"failed: {result.note}")
        for difference in result.differences:
            printing.say(f"  {difference}")
    for pointer in report.uncovered:
        printing.say(f"note: {pointer}: no case reaches it")
    printing.say(f"{len(report.results) - len(failed)} of {_count(len(report.results), 'case')} passed")


app.command(
    epilog=examples(
        "toolgate policy preset --list",
        "toolgate policy preset lethal-trifecta --server mail > policy.json",
        "toolgate policy preset freeze --from $START --to $END --onto policy.json",
        "toolgate policy preset loop-breaker --max 5 --onto policy.json > new.json",
        "toolgate policy preset money-cap --daily 500 --tools tools.jsonl --json",
    )
)(preset)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"

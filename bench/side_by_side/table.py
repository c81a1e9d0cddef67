"""The figures as one table, as ratios to nginx and to Toolgate."""

from __future__ import annotations

import statistics

from bench.side_by_side.measure import Figures, Load

COLUMNS = (
    "gateway",
    "CPU a call, 32 connections",
    "its busiest process",
    "times nginx",
    "times Toolgate",
    "calls a second, 32",
    "median, p99 in ms, 32",
    "CPU a call, 1 connection",
    "median, p99 in ms, 1",
    "memory",
    "start",
)


def medians(rounds: list[Figures]) -> Figures:
    """The median of each figure over the rounds."""
    loads = {connections: _medians([one.loads[connections] for one in rounds]) for connections in rounds[0].loads}
    start = statistics.median(one.start for one in rounds)
    return Figures(rounds[0].name, start, statistics.median(one.memory for one in rounds), loads)


def _medians(rounds: list[Load]) -> Load:
    def middle(name: str) -> float:
        return float(statistics.median(getattr(one, name) for one in rounds))

    names = ("cpu", "busiest", "rate", "median", "p99", "load_core")
    return Load(sum(one.calls for one in rounds), *(middle(name) for name in names))


def table(all_figures: list[Figures]) -> str:
    """Markdown; ratios are of CPU a call with 32 connections, where nginx and Toolgate were measured too."""
    found = {figures.name: figures for figures in all_figures}
    head = f"| {' | '.join(COLUMNS)} |"
    lines = [head, "|" + "---|" * len(COLUMNS)]
    return "\n".join([*lines, *(_row(figures, found) for figures in all_figures)])


def _row(figures: Figures, found: dict[str, Figures]) -> str:
    many, one = figures.loads[32], figures.loads[1]
    # mcp-proxy starts the server itself, so it is compared with Toolgate that does so too.
    own = "toolgate-stdio" if figures.name == "mcp-proxy" else "toolgate"
    cells = [
        figures.name,
        f"{many.cpu:,.0f} us",
        f"{many.busiest:,.0f} us",
        _ratio(many, found.get("nginx")),
        _ratio(many, found.get(own)),
        f"{many.rate:,.0f}",
        f"{many.median:.2f}, {many.p99:.2f}",
        f"{one.cpu:,.0f} us",
        f"{one.median:.2f}, {one.p99:.2f}",
        f"{figures.memory:.0f} MiB",
        f"{figures.start:.2f} s",
    ]
    return "| " + " | ".join(cells) + " |"


def _ratio(load: Load, other: Figures | None) -> str:
    return f"{load.cpu / other.loads[32].cpu:.1f}" if other and load.cpu else ""

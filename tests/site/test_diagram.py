"""The diagram of an attack: lanes in the order of appearance, arrows between them, and where the gateway refuses."""

from __future__ import annotations

from toolgate.attacks.case import Step, Stopped
from toolgate.site.diagram import LANES, diagram


def step(sender: str, receiver: str, call: str = "", times: int = 1) -> Step:
    return Step(sender, receiver, "something\n passes", call=call, server=receiver if call else "", times=times)


def test_lanes_stand_in_the_order_in_which_they_appear() -> None:
    made = diagram([step("agent", "files"), step("files", "agent"), step("files", "sink")])
    assert made.lanes == ("agent", "files", "sink")
    assert [(arrow.left, arrow.right, arrow.back) for arrow in made.arrows] == [
        (1, 2, False), (1, 2, True), (2, 3, False),
    ]  # fmt: skip
    assert made.arrows[0].text == "something passes"


def test_what_goes_back_to_who_asked_is_an_answer_and_a_call_is_none() -> None:
    steps = [step("server", "agent"), step("agent", "server", "read"), step("server", "agent"), step("server", "sink")]
    assert [arrow.answer for arrow in diagram(steps).arrows] == [False, False, True, False]


def test_a_step_may_end_where_it_begins() -> None:
    [arrow] = diagram([step("files", "files")]).arrows
    assert arrow.own
    assert not arrow.back


def test_the_first_call_that_does_not_arrive_is_where_the_gateway_refuses() -> None:
    steps = [step("agent", "db", "read"), step("agent", "db", "drop"), step("agent", "db", "drop")]
    refused = [arrow.stops for arrow in diagram(steps, Stopped("/hide/0", "db", "drop")).arrows]
    assert refused == [False, True, False]
    later = [arrow.stops for arrow in diagram(steps, Stopped("/hide/0", "db", "drop", hits=1)).arrows]
    assert later == [False, False, True]
    assert not any(arrow.stops for arrow in diagram(steps, Stopped("(malformed)")).arrows)


def test_of_too_many_no_picture_is_drawn() -> None:
    many = [step(f"lane {number}", f"lane {number + 1}") for number in range(LANES)]
    assert not diagram(many).drawn
    assert diagram(many[:-1]).drawn
    assert not diagram([]).drawn

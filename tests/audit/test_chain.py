import hashlib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from toolgate.audit.chain import ORIGIN, Chain, Head, new_chain_id
from toolgate.audit.records import End

from .samples import NOW, decision


def test_each_line_names_its_number_and_the_hash_of_the_line_before() -> None:
    chain = Chain("c", "node")
    lines = [chain.link(decision(f"d{number}")) for number in range(3)]
    read = [msgspec.json.decode(line) for line in lines]
    assert [entry["seq"] for entry in read] == [0, 1, 2]
    assert [entry["prev"] for entry in read] == [ORIGIN, *(hashlib.sha256(line).hexdigest() for line in lines[:2])]
    assert {entry["node"] for entry in read} == {"node"}
    assert chain.head == Head(2, hashlib.sha256(lines[2]).hexdigest())


@given(st.lists(st.booleans(), max_size=30))
def test_what_was_rewound_leaves_no_trace(kept: list[bool]) -> None:
    chain, plain = Chain("c", "node"), Chain("c", "node")
    for number, keep in enumerate(kept):
        mark = chain.mark()
        line = chain.link(decision(f"d{number}"))
        if keep:
            assert line == plain.link(decision(f"d{number}"))
        else:
            chain.rewind(mark)
    assert chain.head == plain.head


def test_an_entry_may_be_linked_again_after_a_rewind() -> None:
    chain, entry = Chain("c", "node"), End(time=NOW)
    mark = chain.mark()
    first = chain.link(entry)
    chain.rewind(mark)
    assert chain.link(entry) == first


def test_ids_of_chains_sort_by_time_and_do_not_repeat() -> None:
    ids = [new_chain_id(NOW + second) for second in range(50)]
    assert ids == sorted(ids)
    assert len({new_chain_id(NOW) for _ in range(50)}) == 50

"""Loops."""

import time

import pytest

from krsi.policy.graph import leading_to, loops


@pytest.mark.parametrize(
    ("graph", "found"),
    [
        ({}, {}),
        ({"a": ["b"], "b": []}, {}),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": []}, {}),
        ({"a": ["a"]}, {"a": ["a"]}),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, {"b": ["b", "c"]}),
        ({"a": ["nowhere"]}, {}),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, {"a": ["a", "b"], "c": ["c", "d"]}),
    ],
)
def test_a_loop_is_found_by_its_first_name(graph: dict[str, list[str]], found: dict[str, list[str]]) -> None:
    assert loops(graph) == found


def test_of_a_long_loop_the_middle_is_left_out() -> None:
    graph = {str(number): [str((number + 1) % 100)] for number in range(100)}
    assert loops(graph) == {"0": ["0", "…", "92", "93", "94", "95", "96", "97", "98", "99"]}


def test_a_hundred_thousand_loops_take_no_time() -> None:
    size = 100_000
    graph = {str(number): [str(number), str(number + 1)] for number in range(size)}
    graph[str(size)] = [str(number) for number in range(size)]
    begun = time.process_time()
    assert len(loops(graph)) == size
    assert time.process_time() - begun < 5


def test_what_leads_to_something_is_found_from_afar() -> None:
    graph = {"a": ["b"], "b": ["c"], "c": [], "d": ["a", "x"], "e": ["x"]}
    assert leading_to(["c"], graph) == {"a", "b", "c", "d"}

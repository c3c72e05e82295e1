"""The tables of words."""

import pytest

from krsi.policy import words
from krsi.policy.model import EXEC, FILE_ACCESSES, ON_REQUEST, Family, Mode, Verb
from krsi.policy.schema import schema
from krsi.policy.words import ACCESS_SETS, ACCESSES, ITEMS, LETTERS, Table

TABLES = [value for value in vars(words).values() if isinstance(value, Table)]


def test_every_access_is_described() -> None:
    assert tuple(ACCESSES) == FILE_ACCESSES


def test_every_verb_mode_and_family_is_described() -> None:
    assert set(words.VERBS) == set(Verb)
    assert set(words.MODES) == set(Mode)
    assert set(words.DEFAULT.keys) == set(Family)


def test_any_is_all_but_what_must_be_named() -> None:
    assert ACCESS_SETS["any"] == set(FILE_ACCESSES) - ON_REQUEST


def test_write_implies_append_and_truncate() -> None:
    assert ACCESS_SETS["write"] == {"write", "append", "truncate"}


def test_what_w_is_said_to_grant_is_what_it_grants() -> None:
    said = words.LETTERS_SAY.split("(")[1].split(")")[0].split(", ")
    assert frozenset().union(*(ACCESS_SETS[word] for word in said)) == LETTERS["w"]


def test_no_word_could_be_read_as_letters() -> None:
    spelt = LETTERS.keys() | words.EXEC_LETTERS
    assert [word for word in ACCESS_SETS if set(word) <= LETTERS.keys() or ("x" in word and set(word) <= spelt)] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.what)
def test_a_word_is_in_one_place_of_a_table(table: Table) -> None:
    places = [*table.keys, *table.either, *table.elsewhere, *table.later]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.what)
def test_what_stands_beside_is_there(table: Table) -> None:
    assert all(table.allows(word) for key, others in table.beside.items() for word in (key, *others))


def test_an_item_begins_with_its_name() -> None:
    assert [next(iter(table.keys)) for table in ITEMS.values()] == list(ITEMS)


def test_a_case_can_try_whatever_a_rule_can_name() -> None:
    assert set(words.CASE.either) == {*FILE_ACCESSES, EXEC}


def test_the_schema_knows_every_kind_of_value() -> None:
    kinds = schema()["$defs"]
    keys = [key for table in TABLES for key in (*table.keys.values(), *table.either.values())]
    assert {key.holds for key in keys} <= kinds.keys()

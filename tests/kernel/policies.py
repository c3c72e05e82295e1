"""Random policies and requests, small enough that rules, paths and requests meet."""

import random
from collections.abc import Iterator

from krsi.policy import glob
from krsi.policy.model import (
    EXEC,
    FILE_ACCESSES,
    MATCHED,
    UNCONFINED,
    Family,
    Match,
    Mode,
    Object,
    Policy,
    Profile,
    Request,
    Rule,
    Verb,
    Verdict,
)
from krsi.policy.place import Span

NAMES = ("a", "b", "ab", "log", "x.so")
USERS = (0, 33, 1000)
PROFILES = ("one", "two", "three")
SPAN = Span("random", 1, 1)


class Maker:
    """Makes them; the same seed makes the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def policy(self) -> Policy:
        """Make a policy of up to three profiles."""
        names = PROFILES[: self._random.randint(1, len(PROFILES))]
        return Policy({name: self._profile(name, names) for name in names})

    def requests(self, count: int) -> Iterator[tuple[str, int, Request]]:
        """Make so many questions: profile, user, request."""
        for _ in range(count):
            name = self._random.choice((*PROFILES, UNCONFINED))
            yield name, self._random.choice(USERS), self._exec() if name == UNCONFINED else self._request()

    def _profile(self, name: str, names: tuple[str, ...]) -> Profile:
        choose = self._random.choice
        rules = [self._rule(names) for _ in range(self._random.randint(0, 6))]
        return Profile(
            name,
            SPAN,
            tuple(_without_ties(rules)),
            match=choose([None, Match((self._literal(name),), SPAN, self._users())]),
            mode=choose([*[Mode.ENFORCE] * 3, Mode.AUDIT, Mode.LEARN, Mode.OFF]),
            defaults={family: choose([Verdict.DENY, Verdict.ALLOW]) for family in Family},
        )

    def _users(self) -> tuple[int, ...]:
        return tuple(self._random.sample(USERS, self._random.choice([0, 1])))

    def _literal(self, name: str) -> glob.Glob:
        return glob.parse(f"/{self._random.choice(NAMES)}/{name}", {})

    def _rule(self, names: tuple[str, ...]) -> Rule:
        choose = self._random.choice
        verb = choose(list(Verb))
        is_exec = self._random.random() < 0.3
        return Rule(
            Family.EXEC if is_exec else Family.FILES,
            verb,
            frozenset([EXEC] if is_exec else self._accesses()),
            glob.parse(self._pattern(), {}),
            SPAN,
            owner=not is_exec and choose([True, False, False]),
            enters=choose([None, MATCHED, UNCONFINED, *names]) if is_exec and verb is Verb.ALLOW else None,
            log=choose([None, None, True, False]) if verb is not Verb.AUDIT else None,
        )

    def _accesses(self) -> list[str]:
        return self._random.sample(FILE_ACCESSES, self._random.choice([1, 2, 3, 9, len(FILE_ACCESSES)]))

    def _pattern(self) -> str:
        parts = [self._random.choice([*NAMES, "*", "**", "a*", "?", "[ab]", "{a,log}"]) for _ in range(self._depth())]
        return "/" + "/".join(parts) + self._random.choice(["", "", "", "/"])

    def _depth(self) -> int:
        return self._random.randint(1, 3)

    def _path(self) -> bytes | None:
        if self._random.random() < 0.03:
            return None
        names = [self._random.choice(NAMES + PROFILES) for _ in range(self._depth())]
        return ("/" + "/".join(names) + self._random.choice(["", "", "", "/"])).encode()

    def _request(self) -> Request:
        kind = self._random.random()
        if kind < 0.2:
            return self._exec()
        if kind < 0.5:
            access = self._random.choice(["rename", "link"])
            exchange = access == "rename" and self._random.random() < 0.3
            return Request(frozenset([access]), self._object(), self._object(), exchange)
        return Request(frozenset(self._accesses()), self._object())

    def _exec(self) -> Request:
        path = self._random.choice([self._path(), self._literal(self._random.choice(PROFILES)).text.encode()])
        return Request(frozenset([EXEC]), Object(path, False))

    def _object(self) -> Object:
        return Object(self._path(), self._random.choice([False, True, None]))


def _without_ties(rules: list[Rule]) -> list[Rule]:
    """Two exec rules that lead elsewhere must not be equally specific: the policy would be refused."""
    kept: dict[object, Rule] = {}
    for rule in rules:
        if rule.family is Family.EXEC and rule.verb is Verb.ALLOW:
            rank = (rule.glob.literal is not None, len(rule.glob.literal_prefix))
            if kept.setdefault(rank, rule).enters != rule.enters:
                continue
        kept[id(rule)] = rule
    return list(dict.fromkeys(kept.values()))

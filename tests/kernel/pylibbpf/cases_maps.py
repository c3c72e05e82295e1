"""Conversions at every size, operations, and every kind of map."""

# mypy: ignore-errors
# ruff: noqa
# A list of questions, asked of a module that has no types.

import copy
import ctypes
import decimal
import itertools
import pickle
import weakref

from asking import Index, Octets, Pair, Text, Whole, loaded, m, t

INPUTS = {
    "0": 0, "1": 1, "255": 255, "256": 256, "max32": 2**32 - 1, "over32": 2**32 + 5, "max64": 2**64 - 1,
    "over64": 2**64, "negative": -1, "true": True, "whole": Whole(3), "empty bytes": b"", "b1": b"a", "b2": b"ab",
    "b3": b"abc", "b4": b"abcd", "b5": b"abcde", "b8": b"12345678", "b9": b"123456789", "b16": b"0123456789abcdef",
    "b33": b"x" * 33, "octets": Octets(b"q"), "empty str": "", "s1": "a", "s2": "ab", "s3": "abc", "s4": "abcd",
    "s7": "abcdefg", "s8": "abcdefgh", "s15": "a" * 15, "s32": "x" * 32, "utf8": "é", "nul": "a\0b", "surrogate": "\udcff",
    "text": Text("t"), "float": 1.5, "none": None, "bytearray": bytearray(b"a"), "memoryview": memoryview(b"a"),
    "list": [1], "tuple": (1, 2), "ctypes": ctypes.c_uint32(1), "struct": Pair(1, 2), "index": Index(),
    "complex": 1j, "decimal": decimal.Decimal(1), "type": int,
}  # fmt: skip


def conversions():
    it = loaded()
    for name in ("h11", "h22", "h33", "h44", "h55", "h77", "h88", "h12", "h16", "hbig", "h48", "hs4"):
        x = it[name]
        for label, value in INPUTS.items():

            def key(x=x, value=value):
                x.update(value, b"v" if x.get_value_size() < 4 else b"val")
                found = x.keys()
                assert len(found) == 1
                x.delete_elem(value)
                return found

            def content(x=x, value=value):
                x.update(b"", value)
                found = x.lookup(b"")
                x.delete_elem(b"")
                return found

            t(f"{name} key {label}", key)
            t(f"{name} value {label}", content)
        t(f"{name} cleared", x.items)
    x = it["hlarge"]
    t("large set", lambda: x.update(1, b"begin"))
    t("large get", lambda: (len(x[1]), x[1][:6]))
    t("large whole", lambda: x.update(1, bytes(range(250)) * 20))
    t("large over", lambda: x.update(1, bytes(5001)))
    t("large str", lambda: x.update(1, "s" * 4999))
    t("large str over", lambda: x.update(1, "s" * 5000))
    t("large value type", lambda: {type(value).__name__ for value in x.values()})
    t("both wrong", lambda: it["h44"].update(1.0, None))
    t("key good value wrong", lambda: it["h44"].update(7, None))
    t("nothing was set", lambda: it["h44"].items())


def operations():
    it = loaded()
    x = it["h44"]
    for name in ("items", "keys", "values", "get_next_key"):
        t(f"empty {name}", getattr(x, name))
    t("missing lookup", lambda: x.lookup(1))
    t("missing item", lambda: x[1])
    t("missing delete", lambda: x.delete_elem(1))
    t("missing del", lambda: x.__delitem__(1))
    t("missing pop", lambda: x.pop(1))
    t("set", lambda: x.update(1, 10))
    t("set item", lambda: x.__setitem__(2, 20))
    t("set by keyword", lambda: x.update(key=3, value=30))
    t("set by mixed", lambda: x.update(4, value=40))
    t("set same keyword", lambda: x.update(4, key=4, value=40))
    t("set wrong keyword", lambda: x.update(4, val=40))
    t("set one argument", lambda: x.update(4))
    t("set three arguments", lambda: x.update(4, 5, 6))
    t("get", lambda: (x.lookup(1), x[2], x.lookup(key=3), x.__getitem__(4)))
    t("lookup nothing", lambda: x.lookup())
    t("lookup two", lambda: x.lookup(1, 2))
    t("lookup default", lambda: x.get(1, 2))
    t("items", x.items)
    t("keys", lambda: sorted(x.keys()))
    t("values", lambda: sorted(x.values()))
    t("types", lambda: (type(x.items()), type(x.keys()), type(x.values()), {type(key) for key in x.keys()}))
    t("items argument", lambda: x.items(1))
    t("walk", lambda: sorted(walk(x)))
    t("next after unknown is the first", lambda: x.get_next_key(99) == x.get_next_key())
    t("next by keyword", lambda: x.get_next_key(key=None) == x.get_next_key(None))
    t("next of last", lambda: x.get_next_key(x.keys()[-1]))
    t("next of wrong type", lambda: x.get_next_key(1.5))
    t("overwrite", lambda: (x.update(1, 11), x[1]))
    t("delete", lambda: (x.delete_elem(1), x.delete_elem(key=2)))
    t("del statement", lambda: delete(x, 3))
    t("after delete", x.items)
    t("delete argument", lambda: x.delete_elem())
    for number in range(100, 120):
        try:
            x[number] = number
        except m.BpfException as error:
            print("full", number, error)
            break
    t("full overwrite", lambda: x.update(100, 1))
    t("full next", lambda: len(x.keys()))
    t("len", lambda: len(x))
    t("bool", lambda: bool(x))
    t("repr", lambda: repr(x)[:40])
    t("str", lambda: str(x)[:40])
    t("eq", lambda: (x == x, x == it.get_map("h44"), x == 1, x != x))  # noqa: PLR0124
    t("hash", lambda: hash(x) == hash(it["h44"]))
    t("less", lambda: x < x)  # noqa: PLR0124
    t("call", lambda: x())
    t("add", lambda: x + x)
    t("set attribute", lambda: setattr(x, "mine", 1))
    t("missing attribute", lambda: x.nope)
    t("copy", lambda: copy.copy(x))
    t("deepcopy", lambda: copy.deepcopy(x))
    t("pickle", lambda: pickle.dumps(x))
    t("weakref", lambda: weakref.ref(x)() is x)
    t("dict of", lambda: len(dict(x)))
    t("unbound", lambda: m.BpfMap.lookup(x, 100))
    t("unbound keyword", lambda: m.BpfMap.lookup(self=x, key=100))
    t("unbound wrong self", lambda: m.BpfMap.lookup(5, 1))
    t("unbound no self", lambda: m.BpfMap.lookup())
    t("unbound None self", lambda: m.BpfMap.get_name(object()))
    t("with", lambda: x.__enter__())
    t("isinstance", lambda: isinstance(x, m.BpfMap))


def walk(x):
    key = x.get_next_key()
    while key is not None:
        yield key
        key = x.get_next_key(key)


def delete(x, key):
    del x[key]


def protocols():
    it = loaded()
    x, a = it["h44"], it["a48"]
    for number in range(5):
        x[number] = number
    t("in, there", lambda: 3 in x)
    t("iterate hash", lambda: list(itertools.islice(iter(x), 5)))
    t("iterate array", lambda: list(itertools.islice(iter(a), 4)))
    t("iterate array beyond", lambda: list(itertools.islice(iter(a), 6)))
    t("reversed", lambda: reversed(x))
    t("unpack array", lambda: (lambda p, q, r, s, *rest: (p, q, r, s))(*itertools.islice(a, 4)))


def kinds():
    it = loaded()
    for name in (
        "a48",
        "a4b",
        "pc44",
        "pc48",
        "lru",
        "lpm",
        "pea",
        "texts",
        "rb",
        "q",
        "st",
        "progs",
        "outer",
        "cases.rodata",
        "cases.data",
        "cases.bss",
    ):
        x = it.get_map(name)
        t(f"{name} lookup", lambda x=x: x.lookup(0))
        t(f"{name} lookup 1", lambda x=x: x.lookup(1))
        t(f"{name} lookup bytes", lambda x=x: x.lookup(b""))
        t(f"{name} lookup beyond", lambda x=x: x.lookup(99))
        t(f"{name} update", lambda x=x: x.update(0, 1))
        t(f"{name} update bytes", lambda x=x: x.update(b"", b"\1"))
        t(f"{name} update beyond", lambda x=x: x.update(99, 1))
        t(f"{name} delete", lambda x=x: x.delete_elem(0))
        t(f"{name} delete beyond", lambda x=x: x.delete_elem(99))
        t(f"{name} next", x.get_next_key)
        t(f"{name} keys", x.keys)
        t(f"{name} values", x.values)
        t(f"{name} items", x.items)
    t("lru evicts", lambda: [it["lru"].update(number, number) for number in range(40)][-1])
    t("lru few", lambda: len(it["lru"].keys()) <= 4 * 40)
    t("trie", lambda: (it["lpm"].update(b"\x08\0\0\0\x0a", 5), it["lpm"].lookup(b"\x20\0\0\0\x0a\1\2\3")))
    t("trie other", lambda: it["lpm"].lookup(b"\x20\0\0\0\x0b\1\2\3"))
    t("bad fd into prog array", lambda: it["progs"].update(0, 9999))
    t("bad fd into outer", lambda: it["outer"].update(0, 9999))
    t("wrong map into outer", lambda: it["outer"].update(0, it["h44"].get_fd()))
    t("data is seen", lambda: it["cases.data"].lookup(0))
    t("data changed", lambda: (it["cases.data"].update(0, 30), it["cases.data"].lookup(0)))

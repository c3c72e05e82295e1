"""Structures: the parser, values in 0.0.7, and the tables of PythonBPF."""

# mypy: ignore-errors
# ruff: noqa
# A list of questions, asked of a module that has no types.

import ctypes
import gc
import os

from asking import CASES, Ev, Octets, Pair, loaded, m, t


def parser():
    sp = m.StructParser({"Ev": Ev, "Pair": Pair, 3: Pair, "int": 5})
    t("has", lambda: [sp.has_struct(name) for name in ("Ev", "x", "3", "", "int")])
    t("has keyword", lambda: sp.has_struct(struct_name="Ev"))
    t("has bytes", lambda: sp.has_struct(b"Ev"))
    t("has int", lambda: sp.has_struct(3))
    t(
        "parse",
        lambda: (lambda e: (e.pid, e.ts, e.comm))(
            sp.parse("Ev", b"\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0abc".ljust(32, b"\0"))
        ),
    )
    t("parse pair", lambda: (lambda e: (e.low, e.high))(sp.parse("Pair", b"\1\0\2\0")))
    t("parse by number", lambda: (lambda e: (e.low, e.high))(sp.parse("3", b"\1\0\2\0")))
    t("parse longer", lambda: sp.parse("Pair", b"\1\0\2\0rest").high)
    t("parse short", lambda: sp.parse("Ev", b"1"))
    t("parse empty", lambda: sp.parse("Pair", b""))
    t("parse unknown", lambda: sp.parse("x", b""))
    t("parse no struct", lambda: sp.parse("int", b"1234"))
    t("parse copies", lambda: sp.parse("Pair", b"\1\0\2\0") is sp.parse("Pair", b"\1\0\2\0"))
    t("parse keyword", lambda: sp.parse(struct_name="Pair", data=b"\1\0\2\0").low)
    t("parse reversed keywords", lambda: sp.parse(data=b"\1\0\2\0", struct_name="Pair").low)
    for label, data in (
        ("bytearray", bytearray(4)),
        ("memoryview", memoryview(b"1234")),
        ("str", "1234"),
        ("none", None),
        ("octets", Octets(b"1234")),
    ):
        t(f"parse {label}", lambda data=data: type(sp.parse("Pair", data)))
    t("parse one argument", lambda: sp.parse("Pair"))
    t("ctor none", lambda: m.StructParser(None))
    t("ctor list", lambda: m.StructParser([]))
    t("ctor nothing", lambda: m.StructParser())
    t("ctor keyword", lambda: m.StructParser(structs={}).has_struct("x"))
    mine = {"Ev": Ev}
    later = m.StructParser(mine)
    mine["Pair"] = Pair
    t("later is too late", lambda: later.has_struct("Pair"))
    t("parser attribute", lambda: sp.nope)
    t("parser repr", lambda: repr(sp)[:44])
    it = m.BpfObject(CASES, structs=mine)
    mine["Other"] = Pair
    t("structs given later", lambda: sorted(it.get_struct_defs()))
    it.load()
    t("later buffer", lambda: type(it["pea"].open_perf_buffer(print, struct_name="Other")))
    t("later has", lambda: len(mine))
    late = {}
    it = m.BpfObject(CASES, structs=late)
    it.load()
    late["Ev"] = Ev
    t("first structs late", lambda: type(it["pea"].open_perf_buffer(print, struct_name="Ev")))
    it = m.BpfObject(CASES, structs={})
    it.load()
    t("asked too early", lambda: it["pea"].open_perf_buffer(print, struct_name="Ev"))
    it.get_struct_defs()["Ev"] = Ev
    t("asked again", lambda: type(it["pea"].open_perf_buffer(print, struct_name="Ev")))


def value_structs():
    if not hasattr(m.BpfMap, "set_value_struct"):
        t("no value structs", lambda: m.BpfMap.set_value_struct)
        return
    it = loaded(structs={"Ev": Ev, "Pair": Pair})
    x, y = it["hbig"], it["h44"]
    t("has", x.has_struct_value)
    t("name", x.get_value_struct_name)
    t("set unknown", lambda: x.set_value_struct("Zz"))
    t("still none", lambda: (x.has_struct_value(), x.get_value_struct_name()))
    t("set", lambda: x.set_value_struct("Ev"))
    t("set keyword", lambda: x.set_value_struct(struct_name="Ev"))
    t("set int", lambda: x.set_value_struct(1))
    t("named", lambda: (x.has_struct_value(), x.get_value_struct_name()))
    x.update(b"k", b"\x05\0\0\0")
    t("lookup", lambda: x.lookup(b"k").pid)
    t("item", lambda: type(x[b"k"]).__name__)
    t("missing", lambda: x.lookup(b"q"))
    t("items", x.items)
    t("keys", x.keys)
    t("values", x.values)
    t("next", lambda: type(x.get_next_key()).__name__)
    t("update with struct", lambda: x.update(b"k", Ev(1, 2)))
    t("update with its bytes", lambda: (x.update(b"k", bytes(Ev(1, 2))), x[b"k"].ts))
    t("set pair", lambda: y.set_value_struct("Pair"))
    y.update(1, 0x00020001)
    t("pair", lambda: (y[1].low, y[1].high))
    t("pair keys", lambda: [type(key).__name__ for key in y.keys()])
    t("pair items", y.items)
    t("pair next", lambda: y.get_next_key(1))
    t("set too large", lambda: y.set_value_struct("Ev"))
    t("lookup too large", lambda: y[1])
    t("keys too large", y.keys)
    t("no way back", lambda: y.set_value_struct(""))
    bare = loaded()
    t("no structs", lambda: bare["h44"].set_value_struct("Ev"))
    t("no object", lambda: loaded()["h44"].set_value_struct("Ev"))
    z = it["a48"]
    t("array", lambda: (z.set_value_struct("Pair"), z[0].low))
    t("array values", z.values)
    del it
    gc.collect()
    t("gone set", lambda: z.set_value_struct("Pair"))
    t("gone has", z.has_struct_value)


def symbol_tables():
    from llvmlite import ir
    from pylibbpf import ir_to_ctypes as c

    class Struct:
        def __init__(self, **fields):
            self.ir_type, self.fields, self.size = None, fields, 0

    types_ = {
        "i8": ir.IntType(8), "i16": ir.IntType(16), "i32": ir.IntType(32), "i64": ir.IntType(64), "i1": ir.IntType(1),
        "i128": ir.IntType(128), "chars": ir.ArrayType(ir.IntType(8), 16), "words": ir.ArrayType(ir.IntType(32), 4),
        "nested": ir.ArrayType(ir.ArrayType(ir.IntType(16), 2), 3), "rows": ir.ArrayType(ir.ArrayType(ir.IntType(8), 2), 3),
        "none": ir.ArrayType(ir.IntType(8), 0), "pointer": ir.PointerType(), "float": ir.FloatType(), "void": ir.VoidType(),
        "str": "i32", "nothing": None, "typed": ir.PointerType(ir.IntType(8)), "literal": ir.LiteralStructType([ir.IntType(8)]),
    }  # fmt: skip
    for name, kind in types_.items():
        t(f"type {name}", lambda kind=kind: c.ir_type_to_ctypes(kind).__name__)
    t("all of ir", lambda: c.__all__)
    good = {"Ev": Struct(pid=types_["i32"], ts=types_["i64"], comm=types_["chars"]), "One": Struct(x=types_["i8"])}
    t(
        "is table",
        lambda: [
            c.is_pythonbpf_structs(x) for x in (good, {}, None, [], {"Ev": Ev}, {"a": 1}, {"a": good["Ev"], "b": 1})
        ],
    )
    made = c.convert_structs_to_ctypes(good)
    t(
        "converted",
        lambda: {
            name: (cls.__name__, cls.__module__, cls.__doc__, [(field, kind.__name__) for field, kind in cls._fields_])
            for name, cls in made.items()
        },
    )
    t("repr of one", lambda: repr(made["Ev"](1, 2, b"x")))
    t("size of one", lambda: ctypes.sizeof(made["Ev"]))
    t("convert nothing", lambda: (c.convert_structs_to_ctypes({}), c.convert_structs_to_ctypes(None)))
    t("convert bad", lambda: c.convert_structs_to_ctypes({"Bad": Struct(x=types_["float"])}))
    t("convert bad width", lambda: c.convert_structs_to_ctypes({"Bad": Struct(x=types_["i1"])}))
    t("convert no fields", lambda: c.convert_structs_to_ctypes({"Bad": 5}))
    t("convert empty struct", lambda: ctypes.sizeof(c.convert_structs_to_ctypes({"None": Struct()})["None"]))
    it = m.BpfObject(CASES, structs=good)
    t("given to an object", lambda: sorted(it.get_struct_defs()))
    t("bad to an object", lambda: m.BpfObject(CASES, structs={"Bad": Struct(x=types_["float"])}))
    it.load()
    it["only"].update(os.getpid(), 1)
    got = []
    buffer = it["pea"].open_perf_buffer(lambda cpu, e: got.append((e.ts, e.comm != b"", repr(e)[:8])), struct_name="Ev")
    it.get_program("tp").attach()
    os.getpgid(0)
    t("event of a table", lambda: (buffer.poll(1000), got))

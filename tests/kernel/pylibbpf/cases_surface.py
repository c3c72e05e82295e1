"""What is there, how objects are made and loaded, and what they call their parts."""

# mypy: ignore-errors
# ruff: noqa
# A list of questions, asked of a module that has no types.

import inspect
import pathlib
import types

from asking import ATTACH, CASES, FOLDER, Ev, Text, loaded, m, raw, t


def surface():
    t("all", lambda: m.__all__)
    t("version", lambda: (m.__version__, type(m.__version__).__name__))
    t("module names", lambda: (m.__name__, raw.__name__, m.wrappers.__name__, m.ir_to_ctypes.__name__))
    t("public names", lambda: [name for name in dir(m) if not name.startswith("_") and name != "logging"])
    t("raw names", lambda: [name for name in dir(raw) if not name.startswith("_")])
    t(
        "wrapper names",
        lambda: [name for name in ("PerfEventArrayHelper", "BpfObjectWrapper") if hasattr(m.wrappers, name)],
    )
    t("same classes", lambda: [getattr(m, name) is getattr(raw, name) for name in m.__all__])
    t("a package", lambda: hasattr(m, "__path__"))
    for name in m.__all__:
        it = getattr(m, name)
        t(f"class {name}", lambda it=it: (it, it.__module__, it.__name__, it.__qualname__, type(it) is type))
        t(
            f"bases {name}",
            lambda it=it: [
                base.__name__
                for base in it.__mro__
                if "pybind" not in base.__name__ and not base.__name__.startswith("Base")
            ],
        )
        t(f"dir {name}", lambda it=it: [name for name in dir(it) if not name.startswith("_") and name != "errno"])
    t("raw object", lambda: (raw.BpfObject, raw.BpfObject is m.BpfObject))
    t("doc raw", lambda: raw.__doc__)
    for cls in (raw.BpfObject, raw.BpfProgram, raw.BpfMap, raw.PerfEventArray, raw.StructParser):
        for name in dir(cls):
            if callable(getattr(cls, name)) and (
                not name.startswith("_") or name in {"__getitem__", "__setitem__", "__delitem__"}
            ):
                t(f"doc {cls.__name__}.{name}", lambda cls=cls, name=name: getattr(cls, name).__doc__)
                t(f"name {cls.__name__}.{name}", lambda cls=cls, name=name: getattr(cls, name).__name__)
    t("doc init", lambda: [cls.__init__.__doc__ for cls in (raw.BpfObject, raw.PerfEventArray, raw.StructParser)])
    t("exception is plain", lambda: (issubclass(m.BpfException, OSError), m.BpfException.__bases__))
    t("raise one", lambda: (_ for _ in ()).throw(m.BpfException("mine", 2)))
    t("exception args", lambda: m.BpfException("a", 1).args)
    for name, function in (
        ("open", m.wrappers.PerfEventArrayHelper.open_perf_buffer),
        ("poll", m.wrappers.PerfEventArrayHelper.poll),
        ("consume", m.wrappers.PerfEventArrayHelper.consume),
        ("object", m.BpfObject),
    ):
        t(
            f"parameters of {name}",
            lambda function=function: [
                (p.name, p.default, p.kind.name) for p in inspect.signature(function).parameters.values()
            ],
        )
    t("constants", lambda: (m.BpfObject.BPF_MAP_TYPE_PERF_EVENT_ARRAY, m.BpfObject.BPF_MAP_TYPE_RINGBUF))


def construction():
    t("missing file", lambda: m.BpfObject("/nope.o"))
    t("no arguments", lambda: m.BpfObject())
    t("three arguments", lambda: m.BpfObject("x", {}, 1))
    t("keywords", lambda: m.BpfObject(object_path="x", structs={}))
    t("unknown keyword", lambda: m.BpfObject("x", struct={}))
    for name, path in (
        ("Path", pathlib.Path("x")),
        ("bytes", b"/nope.o"),
        ("bytearray", bytearray(b"x")),
        ("None", None),
        ("int", 3),
        ("str subclass", Text("/nope.o")),
    ):
        t(f"path {name}", lambda path=path: m.BpfObject(path))
    t("path bytes load", lambda: m.BpfObject(b"/nope.o").load())
    t("path surrogate", lambda: m.BpfObject("/n\udcffope.o").load())
    t("path with NUL", lambda: m.BpfObject("/nope\0.o").load())
    t("path utf8", lambda: m.BpfObject("/nöpe.o").load())
    for name, structs in (
        ("None", None),
        ("empty", {}),
        ("list", []),
        ("tuple", ()),
        ("int", 5),
        ("str", "x"),
        ("false", False),
        ("mapping", types.MappingProxyType({})),
    ):
        t(f"structs {name}", lambda structs=structs: m.BpfObject("x", structs).get_struct_defs())
    t("structs any value", lambda: m.BpfObject("x", {"a": 1, 2: None}).get_struct_defs())
    mine = {"Ev": Ev}
    t("structs identity", lambda: m.BpfObject("x", mine).get_struct_defs() is mine)
    t("structs equality", lambda: m.BpfObject("x", mine).get_struct_defs() == mine)
    t("structs default not shared", lambda: m.BpfObject("x").get_struct_defs() is m.BpfObject("y").get_struct_defs())
    t("raw ctor", lambda: raw.BpfObject("x").get_struct_defs())
    t("raw ctor None", lambda: raw.BpfObject("x", None))
    t("raw ctor kw", lambda: raw.BpfObject(structs={"a": 1}, object_path="x").get_struct_defs())
    t("raw ctor twice named", lambda: raw.BpfObject("x", object_path="y"))
    t("raw ctor unknown kw", lambda: raw.BpfObject("x", other=1))
    t("raw ctor nothing", lambda: raw.BpfObject())
    t("raw ctor too many", lambda: raw.BpfObject("x", {}, 2))
    t("raw default shared", lambda: raw.BpfObject("x").get_struct_defs() is raw.BpfObject("y").get_struct_defs())
    t("wrapper", lambda: type(m.wrappers.BpfObjectWrapper(raw.BpfObject("x"))._obj))
    t("subclass", lambda: type("Mine", (m.BpfObject,), {})("x").is_loaded())
    t("raw subclass", lambda: type("Mine", (raw.BpfObject,), {})("x").is_loaded())
    t("raw subclass refused", lambda: type("Mine", (raw.BpfObject,), {})(5))
    t("attributes", lambda: [name for name in dir(m.BpfObject("x")) if not name.startswith("__")])
    t("missing attribute", lambda: m.BpfObject("x").nope)
    t("set attribute", lambda: setattr(m.BpfObject("x"), "mine", 1))
    for cls in (m.BpfMap, m.BpfProgram):
        t(f"ctor {cls.__name__}", cls)
        t(f"ctor {cls.__name__} with arguments", lambda cls=cls: cls(1, 2))
        t(f"subclass of {cls.__name__}", lambda cls=cls: type("Mine", (cls,), {})())


def before_load():
    it = m.BpfObject(CASES)
    for name, case in {
        "is_loaded": it.is_loaded,
        "map names": it.get_map_names,
        "program names": it.get_program_names,
        "get_map": lambda: it.get_map("h44"),
        "get_program": lambda: it.get_program("tp"),
        "item": lambda: it["h44"],
        "attach_all": it.attach_all,
        "struct defs": it.get_struct_defs,
        "get_map of int": lambda: it.get_map(1),
        "item of list": lambda: it[[]],
        "item of None": lambda: it[None],
    }.items():
        t(f"before load: {name}", case)


def loading():
    for name in (
        "/nope.o",
        FOLDER,
        "/dev/null",
        "/etc/passwd",
        "/proc/self/exe",
        "",
        f"{FOLDER}/refused.bpf.o",
        f"{FOLDER}/toolarge.bpf.o",
    ):
        label = name.replace(FOLDER, "F").replace("/proc/self/exe", "python")
        it = m.BpfObject(name)
        t(f"load {label}", lambda it=it: it.load())
        t(f"again {label}", lambda it=it: it.load())
        t(f"loaded {label}", it.is_loaded)
    for name in ("empty", "nowhere", "attach", "cases"):
        it = m.BpfObject(f"{FOLDER}/{name}.bpf.o")
        t(f"load {name}", it.load)
        t(f"load {name} twice", it.load)
        t(f"loaded {name}", it.is_loaded)
        t(f"programs of {name}", it.get_program_names)
        t(f"maps of {name}", it.get_map_names)
    t("load argument", lambda: m.BpfObject("x").load(1))
    t("load keyword", lambda: m.BpfObject("x").load(force=True))
    t("raw load", lambda: raw.BpfObject(ATTACH).load())
    t("is_loaded argument", lambda: m.BpfObject("x").is_loaded(1))


def names():
    it = loaded()
    t(
        "same map",
        lambda: (it["h44"] is it["h44"], it["h44"] is it.get_map("h44"), it.get_map("h44") is it.get_map("h44")),
    )
    t(
        "same helper",
        lambda: (it["pea"] is it["pea"], it["pea"] is it.get_map("pea"), it.get_map("pea") is it["pea"]._map),
    )
    t("same program", lambda: it.get_program("tp") is it.get_program("tp"))
    for name in ("zz", "", "h4", "h44 ", "H44", "ü", "a" * 300):
        t(f"no map {name[:5]!r}", lambda name=name: it[name])
        t(f"no program {name[:5]!r}", lambda name=name: it.get_program(name))
    t("map by bytes", lambda: it.get_map(b"h44").get_name())
    t("item by bytes", lambda: it[b"h44"].get_name())
    t("map by keyword", lambda: it.get_map(name="h44").get_name())
    t("program by keyword", lambda: it.get_program(name="tp").get_name())
    t("map by wrong keyword", lambda: it.get_map(map="h44"))
    t("map of nothing", lambda: it.get_map())
    t("map of two", lambda: it.get_map("a", "b"))
    t("map of int", lambda: it.get_map(1))
    t("item of int", lambda: it[1])
    t("item of list", lambda: it[[]])
    t("item of tuple", lambda: it["a", "b"])
    t("surrogate", lambda: it.get_map("\udcff"))
    t("NUL", lambda: it.get_map("h44\0x"))
    t("program NUL", lambda: it.get_program("tp\0x"))
    t("map type of perf", lambda: type(it["pea"]))
    t("map type of ring", lambda: type(it["rb"]))
    t("internal maps", lambda: [name for name in it.get_map_names() if "." in name])
    for name in it.get_map_names():
        x = it.get_map(name)
        t(
            f"map {name}",
            lambda x=x: (
                x.get_name(),
                x.get_type(),
                x.get_key_size(),
                x.get_value_size(),
                x.get_max_entries(),
                x.get_fd() > 2,
                type(x.get_fd()),
            ),
        )
    t("get_fd argument", lambda: it["h44"].get_fd(1))
    t("contains", lambda: "h44" in m.BpfObject)
    t("object len", lambda: len(it))
    t("object bool", lambda: bool(it))
    t("helpers kept", lambda: sorted(map(str, it._map_helpers))[:3])

"""Perf buffers: arguments, events, losses, several at once, threads and signals."""

# mypy: ignore-errors
# ruff: noqa
# A list of questions, asked of a module that has no types.

import contextlib
import ctypes
import decimal
import fractions
import gc
import inspect
import os
import pickle
import re
import signal
import sys
import threading
import time

from asking import Ev, Falls, Index, Rounds, loaded, m, t


def perf_arguments():
    it = loaded(structs={"Ev": Ev})
    x = it.get_map("pea")

    def nothing(cpu, data):
        pass

    for label, count in (
        ("0", 0),
        ("-1", -1),
        ("3", 3),
        ("1", 1),
        ("2", 2),
        ("8", 8),
        ("true", True),
        ("float", 8.0),
        ("str", "8"),
        ("none", None),
        ("index", Index()),
        ("int", Rounds()),
        ("decimal", decimal.Decimal(8)),
        ("fraction", fractions.Fraction(8)),
        ("falls", Falls()),
        ("min", -(2**31)),
        ("2**31", 2**31),
        ("2**40", 2**40),
        ("complex", 8j),
    ):
        t(f"page_cnt {label}", lambda count=count: type(m.PerfEventArray(x, count, nothing)))
    t("page_cnt huge", lambda: m.PerfEventArray(x, 2**30, nothing))
    t("wrong map", lambda: m.PerfEventArray(it["h44"], 8, nothing))
    t("ring map", lambda: m.PerfEventArray(it["rb"], 8, nothing))
    t("wrong map before page_cnt", lambda: m.PerfEventArray(it["h44"], 3, nothing))
    t("callback none", lambda: m.PerfEventArray(x, 8, None))
    t("callback int", lambda: m.PerfEventArray(x, 8, 5))
    t("callback class", lambda: type(m.PerfEventArray(x, 8, list)))
    t("lost none", lambda: type(m.PerfEventArray(x, 8, nothing, None)))
    t("lost int", lambda: type(m.PerfEventArray(x, 8, nothing, 5)))
    t("lost keyword", lambda: type(m.PerfEventArray(x, 8, nothing, lost_callback=nothing)))
    t("struct as fourth", lambda: type(m.PerfEventArray(x, 8, nothing, "Ev")))
    t("struct keyword", lambda: type(m.PerfEventArray(x, 8, nothing, struct_name="Ev")))
    t("struct and lost", lambda: type(m.PerfEventArray(x, 8, nothing, "Ev", nothing)))
    t("struct bytes", lambda: type(m.PerfEventArray(x, 8, nothing, struct_name=b"Ev")))
    t("struct none", lambda: m.PerfEventArray(x, 8, nothing, struct_name=None))
    t("struct int", lambda: m.PerfEventArray(x, 8, nothing, 5, nothing))
    t("struct unknown", lambda: type(m.PerfEventArray(x, 8, nothing, struct_name="Zz")))
    t("struct empty", lambda: type(m.PerfEventArray(x, 8, nothing, struct_name="")))
    t(
        "all keywords",
        lambda: type(m.PerfEventArray(map=x, page_cnt=8, callback=nothing, struct_name="Ev", lost_callback=None)),
    )
    t("no arguments", lambda: m.PerfEventArray())
    t("two arguments", lambda: m.PerfEventArray(x, 8))
    t("six arguments", lambda: m.PerfEventArray(x, 8, nothing, "Ev", None, 1))
    t("unknown keyword", lambda: m.PerfEventArray(x, 8, nothing, pages=1))
    bare = loaded()
    t("no structs", lambda: m.PerfEventArray(bare.get_map("pea"), 8, nothing, struct_name="Ev"))
    t("no structs, empty name", lambda: m.PerfEventArray(bare.get_map("pea"), 8, nothing, struct_name=""))
    y = m.PerfEventArray(x, 8, nothing)
    t("get_map", lambda: y.get_map() is x)
    t("poll nothing", lambda: y.poll(0))
    t("poll keyword", lambda: y.poll(timeout_ms=0))
    t("poll no argument", lambda: y.poll())
    t("poll float", lambda: y.poll(0.5))
    t("poll str", lambda: y.poll("0"))
    t("poll index", lambda: y.poll(Index()))
    t("poll int", lambda: y.poll(Rounds()))
    t("poll bool", lambda: y.poll(False))
    t("poll huge", lambda: y.poll(2**31))
    t("consume", y.consume)
    t("consume argument", lambda: y.consume(1))
    t("perf attribute", lambda: y.nope)
    t("perf set attribute", lambda: setattr(y, "mine", 1))
    t("perf repr", lambda: repr(y)[:49])
    t("perf pickle", lambda: pickle.dumps(y))
    helper = it["texts"]
    t("poll before open", lambda: helper.poll(0))
    t("consume before open", helper.consume)
    t("helper attribute", lambda: (helper.get_name(), helper.get_type()))
    t("helper missing", lambda: helper.nope)
    t("helper own", lambda: (helper._map is it.get_map("texts"), helper._perf_buffer))
    t("helper item", lambda: helper[0])
    t("open without callback", lambda: helper.open_perf_buffer())
    t("open bad callback", lambda: helper.open_perf_buffer(None))
    t("open bad pages", lambda: helper.open_perf_buffer(nothing, page_cnt=5))
    t("open bad struct", lambda: helper.open_perf_buffer(nothing, struct_name=5))
    t("open truthless", lambda: helper.open_perf_buffer(nothing, struct_name=None) is helper)
    t("open positional", lambda: helper.open_perf_buffer(nothing, "Ev", 4, nothing) is helper)
    t("poll after", lambda: helper.poll(0))
    t("poll default", lambda: inspect.signature(helper.poll).parameters["timeout_ms"].default)


def events():
    it = loaded(structs={"Ev": Ev})
    got = []
    helper = it["pea"].open_perf_buffer(
        lambda cpu, data: got.append(
            (cpu, type(data).__name__, len(data), data[:4] == os.getpid().to_bytes(4, "little"))
        )
    )
    it.get_program("tp").attach()
    t("poll none", lambda: helper.poll(0))
    os.getpgid(0)
    t("poll one", lambda: helper.poll(1000))
    t("got one", lambda: got)
    got.clear()
    for _ in range(5):
        os.getpgid(0)
    t("consume five", helper.consume)
    t("got five", lambda: len(got))
    t("consume none", helper.consume)
    t("poll at once", lambda: helper.poll(0))
    t("time passes", lambda: elapsed(lambda: helper.poll(30)) > 0.02)
    p = it.get_program("tp")
    p.detach()
    os.getpgid(0)
    t("detached gives none", lambda: (helper.poll(20), len(got)))
    p.attach()
    got.clear()
    os.getpgid(0)
    t("attached gives one", lambda: (helper.poll(1000), len(got)))

    parsed = []
    fresh = loaded(structs={"Ev": Ev})
    second = fresh["pea"].open_perf_buffer(
        lambda cpu, e: parsed.append((cpu, type(e).__name__, e.pid == os.getpid(), e.ts, len(e.comm) > 0)),
        struct_name="Ev",
    )
    fresh.get_program("tp").attach()
    os.getpgid(0)
    t("struct poll", lambda: second.poll(1000))
    t("struct got", lambda: parsed)
    t("both objects", lambda: (helper.poll(1000), len(got)))

    class Short(ctypes.Structure):
        _fields_ = (("pid", ctypes.c_uint32),)

    class Long(ctypes.Structure):
        _fields_ = (("pid", ctypes.c_uint32 * 100),)

    for name in ("Short", "Long", "NotThere", "NoStruct"):
        other = loaded(structs={"Short": Short, "Long": Long, "NoStruct": 5})
        got = []
        buffer = other["pea"].open_perf_buffer(lambda cpu, e: got.append(type(e).__name__), struct_name=name)
        other.get_program("tp").attach()
        os.getpgid(0)
        t(f"{name} poll", lambda: buffer.poll(1000))
        t(f"{name} got", lambda: got)

    def bad(cpu, data):
        raise ValueError("in a callback")

    def inner(cpu, data):
        bad(cpu, data)

    def ours(cpu, data):
        it.load()

    for name, callback in (
        ("raises", bad),
        ("raises deeper", inner),
        ("raises ours", ours),
        ("takes too few", lambda cpu: None),
        ("interrupts", interrupt),
        ("returns", lambda cpu, data: 5),
    ):
        other = loaded()
        buffer = other["pea"].open_perf_buffer(callback)
        other.get_program("tp").attach()
        os.getpgid(0)
        t(f"{name} poll", lambda: buffer.poll(1000))
        t(f"{name} poll again", lambda: (os.getpgid(0) > 0, buffer.poll(1000)))

    got = []
    texts = loaded()
    buffer = texts["texts"].open_perf_buffer(lambda cpu, data: got.append(data))
    texts.get_program("tp_text").attach()
    os.getsid(0)
    t("text", lambda: (buffer.poll(1000), got))


def interrupt(cpu, data):
    raise KeyboardInterrupt("in a callback")


def elapsed(case):
    before = time.monotonic()
    case()
    return time.monotonic() - before


def lost():
    for name, how in (
        ("helper", lambda it, lost: it["pea"].open_perf_buffer(lambda cpu, data: None, page_cnt=1, lost_callback=lost)),
        ("array", lambda it, lost: m.PerfEventArray(it.get_map("pea"), 1, lambda cpu, data: None, lost)),
        (
            "array with struct",
            lambda it, lost: m.PerfEventArray(it.get_map("pea"), 1, lambda cpu, data: None, "Ev", lost),
        ),
        ("helper without", lambda it, lost: it["pea"].open_perf_buffer(lambda cpu, data: None, page_cnt=1)),
        ("array without", lambda it, lost: m.PerfEventArray(it.get_map("pea"), 1, lambda cpu, data: None)),
        (
            "array with struct without",
            lambda it, lost: m.PerfEventArray(it.get_map("pea"), 1, lambda cpu, data: None, struct_name="Ev"),
        ),
        ("raising", lambda it, lost: m.PerfEventArray(it.get_map("pea"), 1, lambda cpu, data: None, refuse)),
    ):
        it = loaded(structs={"Ev": Ev})
        counts = []
        buffer = how(
            it,
            lambda cpu, count, counts=counts: counts.append(
                (cpu, type(cpu).__name__, count > 100, type(count).__name__)
            ),
        )
        it.get_program("tp").attach()
        for _ in range(1000):
            os.getpgid(0)
        with tidy():
            t(f"lost by {name}: poll", lambda: buffer.poll(100))
            os.getpgid(0)
            t(f"lost by {name}: poll again", lambda: buffer.poll(100))
        t(f"lost by {name}: told", lambda: counts[:1])


@contextlib.contextmanager
def tidy():
    """Leave out how many events were lost."""
    real, sys.stdout = sys.stdout, Numberless(sys.stdout)
    try:
        yield
    finally:
        sys.stdout = real


class Numberless:
    def __init__(self, to):
        self.to = to

    def write(self, text):
        return self.to.write(re.sub(r"\d{3,}", "N", text))

    def flush(self):
        self.to.flush()


def refuse(cpu, count):
    raise RuntimeError("lost")


def several_buffers():
    it = loaded()
    first, second = [], []
    a = it["pea"].open_perf_buffer(lambda cpu, data: first.append(1))
    it.get_program("tp").attach()
    os.getpgid(0)
    t("first buffer", lambda: (a.poll(1000), len(first)))
    t("opened again", lambda: it["pea"].open_perf_buffer(lambda cpu, data: second.append(1)) is a)
    os.getpgid(0)
    t("second buffer", lambda: (a.poll(50), len(first), len(second)))
    x = it.get_map("pea")
    held = m.PerfEventArray(x, 8, lambda cpu, data: first.append(2))
    os.getpgid(0)
    t("third buffer, none freed", lambda: (held.poll(1000), len(first)))
    t("map entries", lambda: len(x.keys()))
    del held
    gc.collect()
    os.getpgid(0)
    t("third freed", lambda: a.poll(20))


def threads():
    it = loaded(structs={"Ev": Ev})
    got, polled = [], []
    done = threading.Event()

    def receive(cpu, event):
        got.append((threading.current_thread().name, event.pid == os.getpid()))
        if len(got) >= 50:
            done.set()

    buffer = it["pea"].open_perf_buffer(receive, struct_name="Ev", page_cnt=64)
    it.get_program("tp").attach()

    def poll():
        while not done.is_set():
            polled.append(buffer.poll(100))

    thread = threading.Thread(target=poll, name="poller")
    thread.start()
    for _ in range(50):
        os.getpgid(0)
        it["h44"].update(1, 1)
    t("poller ended", lambda: (done.wait(20), thread.join(20), thread.is_alive()))
    t("poller got", lambda: (len(got), set(got)))
    t("poller polled", lambda: (min(polled) >= 0, max(polled) == 1))
    blocked = threading.Thread(target=lambda: polled.append(("late", buffer.poll(60000))))
    blocked.start()
    t("others run meanwhile", lambda: sum(range(1000)))
    os.getpgid(0)
    blocked.join(20)
    t("woken", lambda: (blocked.is_alive(), polled[-1]))

    pair = [loaded(), loaded()]
    numbers = [[], []]

    def work(number):
        mine = pair[number]
        buffer = mine["pea"].open_perf_buffer(lambda cpu, data: numbers[number].append(1), page_cnt=64)
        mine.get_program("tp").attach()
        for _ in range(20):
            os.getpgid(0)
        while buffer.poll(100):
            pass

    both = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)
    t("two objects in two threads", lambda: [len(number) >= 20 for number in numbers])


def signals():
    it = loaded()
    buffer = it["pea"].open_perf_buffer(lambda cpu, data: None)
    seen = []
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    t("poll interrupted", lambda: buffer.poll(5000))
    t("handler ran", lambda: seen)

    def stop(number, frame):
        raise TimeoutError("from a handler")

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    t("poll with a handler that raises", lambda: buffer.poll(5000))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)

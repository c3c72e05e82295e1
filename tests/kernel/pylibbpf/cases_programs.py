"""Programs, what is left when their object is gone, and what ends the process."""

# mypy: ignore-errors
# ruff: noqa
# A list of questions, asked of a module that has no types.

import gc
import os
import pickle
import sys

from asking import ATTACH, FOLDER, child, loaded, m, raw, t


def programs():
    it = loaded()
    p = it.get_program("tp")
    t("program", lambda: (p.get_name(), p.is_attached(), repr(p)[:43]))
    t("detach unattached", p.detach)
    t("attach", p.attach)
    t("is attached", p.is_attached)
    t("attach twice", p.attach)
    t("detach", p.detach)
    t("detached", p.is_attached)
    t("detach twice", p.detach)
    t("attach again", lambda: (p.attach(), p.is_attached(), p.detach()))
    t("attach argument", lambda: p.attach(1))
    t("detach argument", lambda: p.detach(force=True))
    t("attach sf", it.get_program("sf").attach)
    t("sf is attached", it.get_program("sf").is_attached)
    t("attach raw", it.get_program("raw").attach)
    t("attach_all fails", it.attach_all)
    t("earlier stay attached", lambda: {name: it.get_program(name).is_attached() for name in it.get_program_names()})
    t("attach_all argument", lambda: it.attach_all(1))
    t("program attribute", lambda: p.nope)
    t("program set attribute", lambda: setattr(p, "mine", 1))
    t("program pickle", lambda: pickle.dumps(p))
    t("program eq", lambda: (p == it.get_program("tp"), p == it.get_program("sf")))
    n = loaded(f"{FOLDER}/nowhere.bpf.o")
    t("attach nowhere", n.get_program("nowhere").attach)
    t("attach nothing", n.get_program("nothing").attach)
    t("attach_all nowhere", n.attach_all)
    e = loaded(f"{FOLDER}/empty.bpf.o")
    t("attach_all of none", e.attach_all)


def attach_all():
    it = loaded(ATTACH)
    t("attach all", lambda: list(it.attach_all()))
    t("attach all again", lambda: [program.is_attached() for program in it.attach_all().values()])
    t("attach all gives the same", lambda: it.attach_all()["first"] is it.get_program("first"))
    t("type of result", lambda: type(it.attach_all()))
    before = it["counts"][0]
    os.getpgid(0)
    os.getsid(0)
    t("both count", lambda: it["counts"][0] - before)
    it.get_program("first").detach()
    before = it["counts"][0]
    os.getpgid(0)
    os.getsid(0)
    t("one counts", lambda: it["counts"][0] - before)
    t("attach all fills the gap", lambda: [program.is_attached() for program in it.attach_all().values()])
    other = loaded(ATTACH)
    t("a second object is another", lambda: (other["counts"][0], other.get_program("first").is_attached()))
    other.attach_all()
    before = it["counts"][0], other["counts"][0]
    os.getpgid(0)
    t("both objects count", lambda: (it["counts"][0] - before[0], other["counts"][0] - before[1]))
    counts = other["counts"]
    keep = other.get_program("first")
    del other
    gc.collect()
    before = it["counts"][0]
    os.getpgid(0)
    t("the first object still counts", lambda: it["counts"][0] - before)
    t("program after its object", lambda: (keep.get_name(), keep.is_attached()))
    t("attach attached after its object", keep.attach)
    t("detach after its object", lambda: (keep.detach(), keep.is_attached()))
    t("attach after its object", keep.attach)
    t("map name after its object", lambda: (counts.get_name(), counts.get_key_size(), counts.get_value_size()))
    t("map fd after its object", lambda: type(counts.get_fd()))


def gone():
    """Maps and programs whose object is no more."""
    it = loaded()
    x, p = it["h44"], it.get_program("tp")
    helper = it["pea"]
    x[1] = 1
    del it
    gc.collect()
    t("gone update", lambda: x.update(1, 1))
    t("gone update wrong type", lambda: x.update(1.5, 1))
    t("gone lookup", lambda: x.lookup(1))
    t("gone delete", lambda: x.delete_elem(1))
    t("gone next", x.get_next_key)
    t("gone keys", x.keys)
    t("gone values", x.values)
    t("gone items", x.items)
    t("gone sizes", lambda: (x.get_name(), x.get_key_size(), x.get_value_size()))
    t("gone type", x.get_type)
    t("gone max_entries", x.get_max_entries)
    t("gone attach", p.attach)
    t("gone detach", p.detach)
    t("gone is_attached", p.is_attached)
    t("gone open", lambda: helper.open_perf_buffer(lambda cpu, data: None) is helper)
    t("gone open with struct", lambda: helper.open_perf_buffer(lambda cpu, data: None, struct_name="Ev"))


def endings():
    """What may end or hang the process: each in a process of its own."""
    child("perf of None", lambda: m.PerfEventArray(None, 8, lambda cpu, data: None))
    child("perf of a helper", lambda: m.PerfEventArray(loaded()["pea"], 8, lambda cpu, data: None))
    held = loaded()
    child("iterate for ever", lambda: len(list(held["h44"])))
    child("in, not there", lambda: 77 in held["h44"])

    def exits(code):
        it = loaded()
        it["only"].update(os.getpid(), 1)

        def leave(cpu, data):
            sys.exit(code)

        buffer = it["pea"].open_perf_buffer(leave)
        it.get_program("tp").attach()
        os.getpgid(0)
        return buffer.poll(1000)

    child("exit in a callback", lambda: exits(7))

    def lost_str():
        it = loaded()
        it["only"].update(os.getpid(), 1)
        buffer = m.PerfEventArray(it.get_map("pea"), 1, lambda cpu, data: None, "Ev")
        it.get_program("tp").attach()
        for _ in range(1000):
            os.getpgid(0)
        return buffer.poll(100), os.getpgid(0) and buffer.poll(100)

    child("lost callback is a str", lost_str)

    def free_in_callback():
        it = loaded()
        it["only"].update(os.getpid(), 1)
        helper = it["pea"]

        def again(cpu, data):
            helper.open_perf_buffer(lambda cpu, data: None)

        helper.open_perf_buffer(again)
        it.get_program("tp").attach()
        os.getpgid(0)
        return helper.poll(1000)

    child("opened again in its own callback", free_in_callback)

    def object_in_callback():
        held = [loaded()]
        held[0]["only"].update(os.getpid(), 1)
        buffer = held[0]["pea"].open_perf_buffer(lambda cpu, data: held.clear())
        held[0].get_program("tp").attach()
        os.getpgid(0)
        return buffer.poll(1000), len(held)

    child("object dropped in its callback", object_in_callback)
    child("uninitialised", lambda: raw.BpfObject.__new__(raw.BpfObject).is_loaded())
    child("unfinished subclass", lambda: type("Mine", (raw.BpfObject,), {"__init__": lambda self: None})().is_loaded())

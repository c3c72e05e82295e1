"""
Where krsi.pylibbpf does not do what the original does, and why. Nothing else differs: the test checks that.

Each row: the case of probe.py, in which dialects, what the original says (None: it reads freed or unset memory, so it
may say anything), the beginning of what krsi says, and the reason.
"""

from typing import NamedTuple


class Difference(NamedTuple):
    case: str
    dialects: tuple[str, ...]
    original: str | None
    ours: str
    reason: str


BOTH = ("0.0.6", "0.0.7")
FREED = "The original uses libbpf's map after libbpf has freed it."
CONSTRUCTOR = "!! builtins.TypeError: __init__(): incompatible constructor arguments."

DIFFERENCES = (
    Difference(
        "perf of None",
        BOTH,
        "ends the process with -11",
        CONSTRUCTOR,
        "The original takes None for a map and follows the null pointer.",
    ),
    Difference(
        "perf of a helper",
        BOTH,
        "ends the process with -11",
        CONSTRUCTOR,
        "The original asks the helper for its C++ object, gets the wrapped map's, and crashes.",
    ),
    Difference(
        "iterate for ever",
        ("0.0.7",),
        "ends the process with -14",
        "!! pylibbpf.pylibbpf.BpfException: Iterating over map 'h44' does not end: use keys()",
        "Python asks for map[0], map[1], … until an IndexError, which 0.0.7 never raises. Ours ends after 65,536.",
    ),
    Difference(
        "in, not there",
        ("0.0.7",),
        "ends the process with -14",
        "!! pylibbpf.pylibbpf.BpfException: Iterating over map 'h44' does not end: use keys()",
        "`in` iterates too.",
    ),
    Difference(
        "uninitialised",
        BOTH,
        None,
        "!! builtins.AttributeError: 'pylibbpf.pylibbpf.BpfObject' object has no attribute",
        "The original reads an object that no constructor has made.",
    ),
    Difference("gone update", BOTH, None, "!! pylibbpf.pylibbpf.BpfException: Failed to update key in map", FREED),
    Difference("gone lookup", BOTH, None, "!! pylibbpf.pylibbpf.BpfException: Failed to lookup key in map", FREED),
    Difference("gone delete", BOTH, None, "!! pylibbpf.pylibbpf.BpfException: Failed to delete key from map", FREED),
    Difference("gone next", BOTH, None, "!! pylibbpf.pylibbpf.BpfException: Failed to get next key in map", FREED),
    Difference("gone keys", BOTH, None, "!! pylibbpf.pylibbpf.BpfException: Failed to get next key in map", FREED),
    Difference("gone values", BOTH, None, "!! pylibbpf.pylibbpf.BpfException: Failed to get next key in map", FREED),
    Difference("gone items", BOTH, None, "!! pylibbpf.pylibbpf.BpfException: Failed to get next key in map", FREED),
    Difference("gone type", BOTH, None, "-> 1", FREED),
    Difference("gone max_entries", BOTH, None, "-> 8", FREED),
    Difference(
        "gone open",
        BOTH,
        None,
        "!! pylibbpf.pylibbpf.BpfException: Failed to create perf buffer: File descriptor in bad state",
        "The original uses the number of a closed descriptor, which may be another map's by now.",
    ),
    Difference(
        "gone open with struct",
        BOTH,
        None,
        "!! pylibbpf.pylibbpf.BpfException: Failed to create perf buffer: File descriptor in bad state",
        "The original uses the number of a closed descriptor, which may be another map's by now.",
    ),
)

BESIDES = """
Not in the probe, because they are no answers:

* An exception in a callback: the original means to print it and prints nothing (it asks CPython to print the current
  exception after C++ has taken it away). Ours prints it to standard error, and neither raises it.
* libbpf's messages: the original leaves them to libbpf, which writes to standard error; ours are log records of the
  logger krsi.bpf.libbpf, which Python writes to standard error if logging is not configured.
* BpfException has `errno`, the number of the failed call or None.
* llvmlite is not needed, and not imported: PythonBPF's structures are known by whoever made them having imported it.
* A lost_callback that cannot be called: both raise TypeError from poll(); the original leaves the records behind the
  lost ones for the next poll(), ours has called back for them.
"""

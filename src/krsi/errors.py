"""
What can go wrong, with the blame in the type.

    KrsiError
    ├── PolicyError         the author's YAML; every diagnostic of the run, each with its place
    ├── CompileError        a policy that is right but too large or too tangled to compile
    ├── AbiError            this build: the object and the Python do not fit each other
    ├── KernelError         the kernel said no (an OSError: errno always set)
    │   └── VerifierError   … of a program; its whole log is kept, one line is shown
    ├── UnsupportedError    this kernel lacks something; says what, and since which kernel it is there
    └── SinkError           somebody else's server
"""

import os


class KrsiError(Exception):
    """Whatever krsi raises on purpose. Its text is for the person who gets it."""


class PolicyError(KrsiError):
    """The policy files hold errors; ``str()`` shows all of them, each with file, line, column and caret."""


class CompileError(KrsiError):
    """The policy is well-formed but cannot be compiled within bounds; says which patterns are to blame."""


class AbiError(KrsiError):
    """The BPF object and this Python package were not built from the same sources."""


class KernelError(KrsiError, OSError):
    """
    A system call or a libbpf call failed; ``errno`` is the kernel's.

    :param number: errno(3), positive
    :param doing: what was being done, in lower case: ``"load program krsi_file_open"``
    """

    def __init__(self, number: int, doing: str) -> None:
        OSError.__init__(self, number, f"{doing}: {os.strerror(number)}")
        self.doing = doing

    def __str__(self) -> str:
        return str(self.strerror)


class VerifierError(KernelError):
    """The verifier refused a program. ``log`` has all its words, ``line`` the one that says why."""

    def __init__(self, number: int, doing: str, line: str, log: str) -> None:
        super().__init__(number, doing)
        self.line = line
        self.log = log

    def __str__(self) -> str:
        return f"{self.strerror}: {self.line} ({len(self.log.splitlines())} lines of verifier log kept)"


class UnsupportedError(KrsiError):
    """
    This kernel cannot do what is asked.

    :param lacks: the hook, helper or option that is missing
    :param since: the first release that has it, as text: ``"5.7"``
    """

    def __init__(self, lacks: str, since: str, hint: str = "") -> None:
        super().__init__(f"this kernel lacks {lacks} (Linux {since} and newer have it){': ' if hint else ''}{hint}")
        self.lacks = lacks
        self.since = since


class SinkError(KrsiError):
    """A receiver of events could not be reached or refused what it was given."""

"""What libbpf said while it could not load or attach something, made into one error for the person who gets it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from krsi.bpf import libbpf
from krsi.bpf.libbpf import ObjectError
from krsi.errors import KernelError, VerifierError

_PROGRAM_LOG = re.compile(r"prog '([^']*)': -- BEGIN PROG LOAD LOG --\n(.*?)-- END PROG LOAD LOG --", re.DOTALL)


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Let an error from within say what was being *doing* and what libbpf and the verifier had to say about it."""
    with libbpf.captured() as said:
        try:
            yield
        except (KernelError, ObjectError) as error:
            raise refusal(doing, error, said) from error


def refusal(doing: str, error: KernelError | ObjectError, said: Sequence[str]) -> KernelError | ObjectError:
    """
    Return *error* again with what *said* adds to it: the verifier's log, or else libbpf's first complaint.

    libbpf asks the verifier again, with a log buffer that it enlarges until all fits, for each program that was
    refused; so a log is here whole or not at all.
    """
    found = _PROGRAM_LOG.search("\n".join(said))
    if found and isinstance(error, KernelError):
        name, log = found.groups()
        return VerifierError(error.errno or 0, f"{doing}: program '{name}'", telling_line(log), log)
    doing = f"{doing} ({said[0]})" if said else doing
    if isinstance(error, ObjectError):
        return ObjectError(error.number, doing)
    return KernelError(error.errno or 0, doing)


def telling_line(log: str) -> str:
    """Return the line of a verifier's *log* that says why: the last one before its statistics."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    statistics = next((at for at, line in enumerate(lines) if line.startswith("processed ")), len(lines))
    before = lines[:statistics] or lines
    return before[-1] if before else ""

"""``krsi doctor``: what this kernel can and cannot enforce, and how to change it. Changes nothing."""

import argparse
import errno
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from krsi.bpf.features import Answer, Kernel
from krsi.cli.outcome import OK, UNFIT
from krsi.cli.terminal import is_coloured, painted, table
from krsi.hooks import HOOKS, Hook
from krsi.policy.model import EXEC, FILE_ACCESSES, MOUNT
from krsi.support import Finding, Lsms, active_lsms, findings

_WIDTH = 120
"""Columns of text that does not go to a terminal."""

_ORDER = (*FILE_ACCESSES, EXEC, MOUNT)
_KINDS = {True: "good", False: "bad", None: "doubtful"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--output", choices=["text", "json"], default="text", help="for people, or for programs")


def run(args: argparse.Namespace) -> int:
    """Exit 0 if policies can be enforced here, 3 if not."""
    found = _examine(Kernel())
    print(_as_json(found) if args.output == "json" else "\n".join(_as_text(found)))
    return OK if found.is_fit else UNFIT


@dataclass(frozen=True, slots=True)
class _Examined:
    """
    What was found.

    :param hooks: each with whether the kernel has it
    """

    release: str
    is_root: bool
    needed: Sequence[Finding]
    hooks: Sequence[tuple[Hook, Answer]]
    lsms: Lsms | None

    @property
    def lacking(self) -> list[str]:
        """What is missing of that without which nothing can be enforced; what root is not told is missing too."""
        always = [(hook.name, answer) for hook, answer in self.hooks if hook.access is None and hook.instead is None]
        asked = [*((each.name, each.answer) for each in self.needed), *always]
        return [name for name, answer in asked if answer.yes is False or (answer.yes is None and self.is_root)]

    @property
    def is_fit(self) -> bool:
        return self.is_root and not self.lacking


def _examine(kernel: Kernel) -> _Examined:
    return _Examined(
        os.uname().release,
        os.geteuid() == 0,
        findings(kernel),
        [(hook, kernel.hook(hook.name)) for hook in HOOKS],
        active_lsms(),
    )


def _as_text(found: _Examined) -> Iterator[str]:
    colour = is_coloured(sys.stdout)
    yield painted("title", f"Linux {found.release}, {'as root' if found.is_root else 'not as root'}", on=colour)
    rows = [[_word(each.answer), each.name, _remedy(each, is_root=found.is_root)] for each in found.needed]
    yield from _lines(rows, ["here", "needed", "what to do"], [each.answer.yes for each in found.needed], colour=colour)
    yield ""
    yield from _lsm_lines(found)
    yield ""
    rows = [[_word(answer), hook.name, _accesses(hook), _instead(hook, answer)] for hook, answer in found.hooks]
    answers = [None if answer.yes is False and hook.instead else answer.yes for hook, answer in found.hooks]
    yield from _lines(rows, ["here", "hook", "decides", "instead"], answers, colour=colour)
    yield ""
    yield from _blind_lines(found, colour=colour)
    yield ""
    yield _verdict(found, colour=colour)


def _lines(
    rows: Sequence[Sequence[str]], header: Sequence[str], answers: Sequence[bool | None], *, colour: bool
) -> Iterator[str]:
    """Return a table of which the first column is an answer, coloured by it."""
    head, *lines = table(rows, header).split("\n")
    yield painted("title", head, on=colour)
    for row, line, answer in zip(rows, lines, answers, strict=True):
        yield line.replace(row[0], painted(_KINDS[answer], row[0], on=colour), 1)


def _word(answer: Answer) -> str:
    return {True: "yes", False: "no", None: "unknown"}[answer.yes]


def _remedy(finding: Finding, *, is_root: bool) -> str:
    answer = finding.answer
    if answer.yes:
        return ""
    if answer.yes is False:
        return f"{finding.remedy} (Linux {finding.since} and newer)"
    if answer.errno not in {errno.EPERM, errno.EACCES}:
        return finding.unsure or f"{answer}; {finding.remedy}"
    if not is_root:
        return "ask as root"
    return "root is refused this here: leave the container or sandbox, or lift lockdown=confidentiality"


def _lsm_lines(found: _Examined) -> Iterator[str]:
    if found.lsms is None:
        yield "active LSMs: unknown; mount -t securityfs securityfs /sys/kernel/security"
        return
    yield f"active LSMs: {','.join(found.lsms.names)} (from {found.lsms.source})"
    if "bpf" not in found.lsms.names:
        yield f"to add bpf, put this into GRUB_CMDLINE_LINUX in /etc/default/grub: {found.lsms.with_bpf()}"
        yield "then run update-grub, and boot again; with another boot loader, put it on the kernel's command line"


def _accesses(hook: Hook) -> str:
    if hook.access is None:
        return "all"
    return ", ".join(access for access in _ORDER if access in hook.access)


def _instead(hook: Hook, answer: Answer) -> str:
    if answer.yes is not False:
        return ""
    return hook.instead or f"nothing: policies that decide this are refused (Linux {hook.since} and newer have it)"


def _blind_spots(found: _Examined) -> dict[str, str]:
    """Return what escapes the hooks that are here."""
    return {hook.name: hook.blind for hook, answer in found.hooks if hook.blind and answer.yes is not False}


def _blind_lines(found: _Examined, *, colour: bool) -> Iterator[str]:
    yield painted("title", "what escapes these hooks", on=colour)
    width = shutil.get_terminal_size((_WIDTH, 0)).columns if sys.stdout.isatty() else _WIDTH
    for name, blind in _blind_spots(found).items():
        yield from textwrap.wrap(f"{name}: {blind}", width, subsequent_indent="  ", break_on_hyphens=False)


def _verdict(found: _Examined, *, colour: bool) -> str:
    if found.is_fit:
        return painted("good", "policies can be enforced here", on=colour)
    takes = [*found.lacking, *([] if found.is_root else ["root"])]
    return painted("bad", f"policies cannot be enforced here: it takes {', '.join(takes)}", on=colour)


def _as_json(found: _Examined) -> str:
    document = {
        "fit": found.is_fit,
        "kernel": found.release,
        "root": found.is_root,
        "needed": [
            {
                "name": each.name,
                "here": _word(each.answer),
                "since": each.since,
                "remedy": _remedy(each, is_root=found.is_root),
            }
            for each in found.needed
        ],
        "lsm": {
            "active": found.lsms.names if found.lsms else None,
            "source": found.lsms.source if found.lsms else None,
            "with_bpf": found.lsms.with_bpf() if found.lsms else None,
        },
        "hooks": [
            {
                "hook": hook.name,
                "decides": None if hook.access is None else [access for access in _ORDER if access in hook.access],
                "here": _word(answer),
                "since": hook.since,
                "instead": _instead(hook, answer) or None,
            }
            for hook, answer in found.hooks
        ],
        "blind": _blind_spots(found),
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode()

"""Policies that cannot be kept as files: bytes, sizes, owners, limits made small. Each is set up in an empty folder."""

import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from krsi.policy import diagnostics, files, link, patterns, source

Scene = Callable[[pytest.MonkeyPatch], Sequence[str]]
"""Sets things up in the present folder and returns the paths to load; those of ``AS_ROOT`` are loaded as root does."""

GOOD = "- profile: web\n  match: {exe: /usr/sbin/nginx}\n"


def not_found(_: pytest.MonkeyPatch) -> Sequence[str]:
    return ["web.yaml", "policies/"]


def unreadable(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("web.yaml").write_text(GOOD)
    return ["web.yaml/x"]


def no_policy(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("policies/old").mkdir(parents=True)
    Path("policies/README").touch()
    Path("policies/.hidden.yaml").write_text("no policy")
    Path("policies/old/nginx.yaml.orig").write_text("no policy")
    return ["policies"]


def not_regular(_: pytest.MonkeyPatch) -> Sequence[str]:
    os.mkfifo("pipe.yaml")
    return ["pipe.yaml", "/dev/null"]


def symlinks(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("real").mkdir()
    Path("real/web.yaml").write_text(GOOD)
    Path("web.yaml").symlink_to("real/web.yaml")
    Path("folder").symlink_to("real")
    Path("real/linked").symlink_to(".")
    Path("real/shop.yaml").symlink_to("nowhere")
    return ["web.yaml", "folder", "folder/web.yaml", "real"]


def owner(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    Path("web.yaml").write_text(GOOD)
    if os.geteuid() == 0:
        os.chown("web.yaml", 4321, 0)
    else:  # nobody but root can give a file away, but one can seem to be somebody else
        monkeypatch.setattr(os, "geteuid", lambda: 4321)
    return ["web.yaml"]


def writable(_: pytest.MonkeyPatch) -> Sequence[str]:
    for folder, mode in {"open": 0o777, "sticky": 0o1777, "group": 0o770}.items():
        Path(folder).mkdir()
        Path(folder, "web.yaml").write_text(GOOD)
        Path(folder).chmod(mode)
    Path("web.yaml").write_text(GOOD)
    Path("web.yaml").chmod(0o666)
    return ["web.yaml", "open/web.yaml", "open/web.yaml", "sticky", "group/web.yaml"]


def too_large(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("web.yaml").write_text(GOOD)
    with Path("zeros.yaml").open("wb") as file:
        file.truncate(files.MAX_BYTES)
    return ["web.yaml", "zeros.yaml", "not looked at.yaml"]


def too_many_files(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(files, "MAX_ENTRIES", 3)
    for number in range(4):
        Path(f"{number}.yaml").touch()
    return ["."]


def folders_too_deep(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(files, "MAX_FOLDERS", 2)
    Path("a/b/c").mkdir(parents=True)
    Path("a/web.yaml").write_text(GOOD)
    return ["a"]


def not_utf8(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("latin1.yaml").write_bytes(b"- profile: web\r\n  description: caf\xe9\r\n")
    Path("utf16.yaml").write_text(GOOD, encoding="utf-16")
    return ["latin1.yaml", "utf16.yaml"]


def characters(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("nul.yaml").write_bytes(b"- profile: web\n  description: \0\n")
    Path("bidi.yaml").write_text("- profile: web  # \u202e beware \u2066\n")
    Path("separator.yaml").write_text("- profile: web\r  description: a\u2028b\n")
    return ["nul.yaml", "bidi.yaml", "separator.yaml"]


def odd_file_name(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path(os.fsdecode(b"caf\xe9\n\x1b[31m.yaml")).write_text("- profile: [x]\n")
    return ["."]


def too_deep(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("deep.yaml").write_text("- profil: x\n- " + "[" * source.MAX_DEPTH)
    return ["deep.yaml"]


def too_many_nodes(_: pytest.MonkeyPatch) -> Sequence[str]:
    lines = [
        "- &a [x,x,x,x,x,x,x,x,x,x]",
        *(f"- &{b} [{','.join(['*' + a] * 10)}]" for a, b in pairwise("abcdefghi")),
    ]
    Path("bomb.yaml").write_text("\n".join(lines) + "\n")
    return ["bomb.yaml"]


def too_many_rules(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(link, "MAX_RULES", 8)
    rules = "- abstraction: base\n  files:\n    - {allow: read, path: [/a, /b]}\n"
    profiles = "".join(f"- profile: p{number}\n  match: {{exe: /p{number}}}\n  include: base\n" for number in range(4))
    Path("many.yaml").write_text(rules + profiles)
    return ["many.yaml"]


def long_pattern(_: pytest.MonkeyPatch) -> Sequence[str]:
    path = "/" + "x" * patterns.MAX_LENGTH
    Path("long.yaml").write_text(f"- profile: web\n  match: {{exe: {path}}}\n")
    return ["long.yaml"]


def too_much_expanded(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(patterns, "MAX_EXPANDED", 1 << 20)
    doubled = ", ".join(f'{b}: ["@{{{a}}}", "/x@{{{a}}}"]' for a, b in pairwise("ABCDEFGHIJKLM"))
    paths = "".join(f'    - {{allow: read, path: "/{number}/@{{M}}"}}\n' for number in range(50))
    Path("much.yaml").write_text(
        f"- vars: {{A: /a, {doubled}}}\n- profile: web\n  match: {{exe: /web}}\n  files:\n{paths}"
    )
    return ["much.yaml"]


def too_many_paths(_: pytest.MonkeyPatch) -> Sequence[str]:
    values = ", ".join(f"/{number}" for number in range(40))
    test = "- test: many\n  profile: web\n  cases:\n    - {rename: '@{A}/x', to: '@{B}/y', expect: deny}\n"
    Path("many.yaml").write_text(
        f"- vars: {{A: [{values}], B: [{values}]}}\n- profile: web\n  match: {{exe: /web}}\n{test}"
    )
    return ["many.yaml"]


def too_many_users(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("many.yaml").write_text(
        "".join(
            f"- profile: {name}\n  match: {{exe: [/bin/{name}, '/bin/*'], uid: {list(uids)}}}\n"
            for name, uids in {"web": range(40), "shop": range(40, 65)}.items()
        )
    )
    return ["many.yaml"]


def many_errors(monkeypatch: pytest.MonkeyPatch) -> Sequence[str]:
    monkeypatch.setattr(diagnostics, "MAX_KEPT", 2)
    Path("many.yaml").write_text("- profil: x\n" * 2_000)
    return ["many.yaml"]


def one_broken_file(_: pytest.MonkeyPatch) -> Sequence[str]:
    Path("broken.yaml").write_text("- profile: web-shell\n  files: [\n")
    Path("web.yaml").write_text(
        "- profile: web\n  include: base\n  exec:\n    - {allow: /bin/sh, as: web-shell}\n    - {alow: /x}\n"
    )
    return ["broken.yaml", "web.yaml"]


AS_ROOT = {"symlinks", "owner", "writable"}
SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        not_found,
        unreadable,
        no_policy,
        not_regular,
        symlinks,
        owner,
        writable,
        too_large,
        too_many_files,
        folders_too_deep,
        not_utf8,
        characters,
        odd_file_name,
        too_deep,
        too_many_nodes,
        too_many_rules,
        long_pattern,
        too_much_expanded,
        too_many_paths,
        too_many_users,
        many_errors,
        one_broken_file,
    )
}

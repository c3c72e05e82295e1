"""Abstractions beside the file that includes them."""

from pathlib import Path

import pytest

from krsi.policy.diagnostics import RefusedError
from krsi.policy.load import load

PROFILE = "- profile: web\n  match: {exe: /bin/web}\n  include: NAME\n"
BASE = "- abstraction: base\n  files:\n    - {allow: read, path: /etc/hosts}\n"


def write(path: Path, text: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return str(path)


def patterns(*paths: str) -> list[str]:
    rules = load(paths, root=False).policy.profiles["web"].rules
    return [rule.glob.text for rule in rules if not rule.implied]


def test_one_file_of_a_folder_finds_what_it_includes(tmp_path: Path) -> None:
    """The abstraction need not be given."""
    write(tmp_path / "abstractions" / "base.yaml", BASE)

    assert patterns(write(tmp_path / "web.yaml", PROFILE.replace("NAME", "base"))) == ["/etc/hosts"]


def test_abstractions_find_each_other(tmp_path: Path) -> None:
    """What an abstraction includes is looked for in its own folder."""
    write(tmp_path / "abstractions" / "base.yml", BASE)
    write(tmp_path / "abstractions" / "names.yaml", "- abstraction: names\n  include: base\n")

    assert patterns(write(tmp_path / "web.yaml", PROFILE.replace("NAME", "[names, base]"))) == ["/etc/hosts"]


def test_what_is_given_wins(tmp_path: Path) -> None:
    """No file is looked at for a name that is defined."""
    write(tmp_path / "abstractions" / "base.yaml", "no policy")
    own = write(tmp_path / "own.yaml", BASE.replace("hosts", "motd"))

    assert patterns(write(tmp_path / "web.yaml", PROFILE.replace("NAME", "base")), own) == ["/etc/motd"]


@pytest.mark.parametrize("name", ["base", "../base", "/base"])
def test_what_is_nowhere_is_undefined(tmp_path: Path, name: str) -> None:
    """A name is no path."""
    write(tmp_path / "base.yaml", BASE)
    (tmp_path / "abstractions").mkdir()

    with pytest.raises(RefusedError, match="base"):
        load([write(tmp_path / "web.yaml", PROFILE.replace("NAME", name))], root=False)


def test_what_is_found_is_checked_like_what_is_given(tmp_path: Path) -> None:
    """Errors in it are shown with its place."""
    write(tmp_path / "abstractions" / "base.yaml", BASE.replace("allow", "alow"))

    with pytest.raises(RefusedError, match=r"abstractions/base\.yaml:3"):
        load([write(tmp_path / "web.yaml", PROFILE.replace("NAME", "base"))], root=False)

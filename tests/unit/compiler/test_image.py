"""An image: domains and their numbers, records, entries, what the reader makes of it, its size."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from krsi.compiler import image as images
from krsi.compiler.compile import compile_policy
from krsi.compiler.image import WORD, Image, Reader, numbered
from krsi.errors import CompileError
from krsi.kernel_side import object_abi, object_bytes
from krsi.policy.diagnostics import RefusedError, Report
from krsi.policy.load import understand
from krsi.policy.model import Policy

ABI = object_abi(object_bytes())
BITS = ABI.enum("access").values
WEB = """- profile: web
  match: {exe: /bin/web}
  files:
    - {allow: read, path: /srv/**}
    - {allow: any, path: /own/**, owner: true}
    - {kill: write, path: /usr/**}
  exec:
    - {allow: /bin/keep}
    - {allow: /bin/sh, as: shell}
    - {allow: /bin/out, as: unconfined}
    - {allow: "/bin/m*", as: matched}
    - {allow: /bin/off, as: gone}
- profile: shell
- profile: many
  match: {exe: "/bin/m*"}
- profile: root
  match: {exe: "/bin/m*", uid: 0}
- profile: most
  match: {exe: /bin/most, uid: [33, 34]}
- profile: gone
  mode: "off"
"""


def policy(text: str = WEB) -> Policy:
    return understand([("x.yaml", text.encode())]).policy


def compiled(text: str = WEB, before: Sequence[str] = ("unconfined",), generation: int = 1) -> Image:
    return compile_policy(policy(text), Report(), ABI, before=before, generation=generation)


def reader(image: Image) -> Reader:
    return Reader(image, ABI)


def enters(image: Image, profile: str, path: bytes, uid: int = 1000) -> str | None:
    number = reader(image).enters(image.number(profile), path, uid)
    return None if number is None else image.domains[number]


def test_an_image_is_what_the_kernel_expects() -> None:
    """
    A power of two of words, and behind them a header that says where things are.
    """
    image = compiled(generation=7)
    header = ABI.unpack("image", image.data, image.words * WORD)

    assert image.words & (image.words - 1) == 0
    assert len(image.data) == image.words * WORD + ABI.size("image")
    assert image.used <= image.words * WORD
    assert not any(image.data[image.used : image.words * WORD])
    assert header["generation"] == image.generation == 7
    assert all(0 < header[place] < image.used and header[place] % WORD == 0 for place in ("domains", "unresolved"))


def test_it_is_reproducible() -> None:
    """
    The same policy makes the same bytes, in whichever order its profiles stand.
    """
    first, rest = WEB.split("- profile: shell\n")

    assert compiled().data == compiled().data
    assert sorted(compiled(f"- profile: shell\n{rest}{first}").domains) == sorted(compiled().domains)
    assert compiled(f"- profile: shell\n{rest}{first}").used == compiled().used


def test_domains_are_numbered_by_name() -> None:
    """
    Number 0 is unconfined, and the others follow in the order of their names.
    """
    assert numbered(policy()) == ("unconfined", "gone", "many", "most", "root", "shell", "web")


def test_numbers_survive_reloads() -> None:
    """
    Domains that were there keep their numbers, gone ones too, and new ones come behind.
    """
    before = ("unconfined", "web", "old", "root")

    assert numbered(policy(), before) == (*before, "gone", "many", "most", "shell")
    image = compiled(before=before)
    assert image.number("web") == 1
    assert reader(image).ask(1, BITS["read"], b"/etc/x", owner=False).refused == BITS["read"]


def test_a_profile_that_has_left_refuses_nothing() -> None:
    """
    A task in a domain without a profile may do all, and stays there.
    """
    image = compiled(before=("unconfined", "old"))

    assert reader(image).ask(1, sum(BITS.values()) & ~BITS["mount"], b"/etc/x", owner=False).refused == 0
    assert enters(image, "old", b"/bin/most", 33) == "old"


@pytest.mark.parametrize(
    ("access", "path", "owner", "refused", "killed"),
    [
        ("read", b"/srv/x", False, False, False),
        ("write", b"/srv/x", False, True, False),
        ("write", b"/own/x", False, True, False),
        ("write", b"/own/x", True, False, False),
        ("write", b"/usr/x", True, True, True),
        ("read", b"/etc/x", True, True, False),
        ("read", None, True, True, False),
        ("lock", b"/etc/x", False, False, False),
    ],
)
def test_what_is_said_of_files(access: str, path: bytes | None, *, owner: bool, refused: bool, killed: bool) -> None:
    """
    Verdicts are by path and owner; an object without a path is refused all that is asked about.
    """
    image = compiled()
    answer = reader(image).ask(image.number("web"), BITS[access], path, owner=owner)

    assert (bool(answer.refused), bool(answer.killed)) == (refused, killed)
    assert bool(answer.logged) == refused


def test_unconfined_tasks_are_asked_nothing() -> None:
    """
    Domain 0 is refused nothing at all.
    """
    answer = reader(compiled()).ask(0, sum(BITS.values()), b"/usr/x", owner=False)

    assert (answer.refused, answer.killed, answer.logged) == (0, 0, 0)


@pytest.mark.parametrize(
    ("path", "uid", "to"),
    [
        (b"/bin/keep", 0, "web"),
        (b"/bin/sh", 0, "shell"),
        (b"/bin/out", 0, "unconfined"),
        (b"/bin/off", 0, "unconfined"),
        (b"/bin/m", 0, "root"),
        (b"/bin/m", 33, "many"),
        (b"/bin/most", 33, "most"),
        (b"/bin/most", 0, "root"),
        (b"/bin/most", 1, "many"),
    ],
)
def test_where_an_exec_leads(path: bytes, uid: int, to: str) -> None:
    """
    By the rule's word, or by the most specific match for the user.
    """
    assert enters(compiled(), "web", path, uid) == to


def test_where_unconfined_tasks_are_led() -> None:
    """
    Who is unconfined enters what matches, or stays so.
    """
    image = compiled()

    assert enters(image, "unconfined", b"/bin/most", 34) == "most"
    assert enters(image, "unconfined", b"/bin/web") == "web"
    assert enters(image, "unconfined", b"/bin/other") == "unconfined"


def test_an_exec_that_nothing_matches() -> None:
    """
    A rule may want a profile where there is none.
    """
    image = compiled("- profile: web\n  match: {exe: /w}\n  exec:\n    - {allow: /x, as: matched}\n")

    assert enters(image, "web", b"/x") is None


def test_a_profile_that_is_off_keeps_its_tasks() -> None:
    """
    Whoever is run under it is refused nothing, whatever it executes.
    """
    assert enters(compiled(), "gone", b"/bin/other") == "gone"


@pytest.mark.parametrize("owner", [False, True])
def test_names_that_launder(*, owner: bool) -> None:
    """
    A name that would grant more is refused; one that grants the same or less is not.
    """
    image = compiled(
        "- profile: web\n  match: {exe: /w}\n  files:\n    - {allow: [read, rename], path: '/a/**'}\n"
        "    - {allow: [read, map, rename], path: '/b/**'}\n"
    )
    ask, web = reader(image).ask_move, image.number("web")

    assert ask(web, BITS["rename"], b"/a/x", b"/b/x", owner=owner).launders
    assert not ask(web, BITS["rename"], b"/b/x", b"/a/x", owner=owner).launders
    assert not ask(web, BITS["rename"], b"/b/x", b"/a/x", owner=owner).refused
    assert ask(web, BITS["rename"], b"/b/x/", b"/a/x/", owner=owner).launders
    assert not ask(web, BITS["rename"], b"/b/x/", b"/b/y/", owner=owner).launders
    assert ask(web, BITS["rename"], b"/a/x", b"/c/x", owner=owner).refused == BITS["rename"]
    assert not ask(0, BITS["rename"], b"/a/x", b"/b/x", owner=owner).refused


def test_equal_records_are_one() -> None:
    """
    A thousand profiles that say the same take little more than one.
    """
    one = "  files:\n    - {allow: read, path: /srv/**}\n"
    few, many = (
        compiled("".join(f"- profile: p{number}\n  match: {{exe: /p{number:04}}}\n{one}" for number in range(count)))
        for count in (10, 100)
    )

    assert many.used - few.used < 90 * (ABI.size("domain") + 40 * WORD)


def test_resized() -> None:
    """
    An image is moved into a larger one, and says the same there.
    """
    small = compiled()
    large = small.resized(small.words * 4)

    assert len(large.data) - len(small.data) == small.words * 3 * WORD
    assert large.data[: small.used] == small.data[: small.used]
    assert enters(large, "web", b"/bin/sh") == "shell"


def test_users_that_do_not_exist() -> None:
    """
    They are an error when a policy is compiled, for that depends on the machine.
    """
    with pytest.raises(RefusedError, match="there is no user 'no-such-user' on this machine"):
        compiled("- profile: web\n  match: {exe: /w, uid: no-such-user}\n")


def test_names_of_users_are_their_numbers() -> None:
    """
    root is 0, by either name.
    """
    image = compiled("- profile: web\n  match: {exe: /w, uid: root}\n")

    assert enters(image, "unconfined", b"/w", 0) == "web"
    assert enters(image, "unconfined", b"/w", 1) == "unconfined"


def test_an_image_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A policy that compiles to more says how much that is.
    """
    monkeypatch.setattr(images, "MAX_BYTES", 1 << 11)

    with pytest.raises(CompileError, match=r"^the policy compiles to \d+ MiB, more than \d+: give fewer rules$"):
        compiled()


def test_the_number_of_a_profile_that_is_not_there() -> None:
    """
    It is an error, not some number.
    """
    with pytest.raises(ValueError, match="tuple"):
        replace(compiled()).number("nobody")

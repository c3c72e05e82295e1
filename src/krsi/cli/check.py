"""``krsi check``: what is wrong with policies, what they cover, how large they compile. Needs no root."""

import argparse

import msgspec

from krsi.cli.loading import Compiled, compiled
from krsi.cli.outcome import OK
from krsi.cli.terminal import table
from krsi.policy.cover import Cover, covers
from krsi.policy.model import MOUNT, Profile
from krsi.policy.render import plural


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("policy", nargs="+", metavar="PATH", help="policy file, or folder of policy files")
    parser.add_argument("--output", choices=["text", "json"], default="text", help="for people, or for programs")


def run(args: argparse.Namespace) -> int:
    """Exit 0 if every policy is good, 1 if one is not."""
    policy = compiled(args.policy)
    print(_as_json(policy) if args.output == "json" else _as_text(policy))
    return OK


def _as_text(policy: Compiled) -> str:
    profiles = policy.loaded.policy.profiles
    found = covers(policy.loaded.policy)
    rows = [[name, str(profiles[name].mode), cover.rules, _entered(cover)] for name, cover in sorted(found.items())]
    parts = [table(rows, ["profile", "mode", "rules", "entered by"]), ""]
    for name, cover in sorted(found.items()):
        parts += _covered(name, profiles[name], cover)
    return "\n".join([*parts, _size(policy)])


def _covered(name: str, profile: Profile, cover: Cover) -> list[str]:
    lines = [f"{name} decides {', '.join(cover.decided) or 'nothing'}"]
    if MOUNT in profile.mediates():
        lines.append("  refused: mounts, which would give files other names")
    lines += [f"  not decided: {access} ({why})" for access, why in cover.undecided.items()]
    return [*lines, ""]


def _entered(cover: Cover) -> str:
    ways = [glob.text for glob in cover.match.exe] if cover.match else []
    if cover.match and cover.match.uids:
        ways.append(f"as {', '.join(map(str, cover.match.uids))}")
    ways += [f"exec from {name}" for name in sorted(cover.entered_from)]
    return ", ".join(ways) or "krsi run only"


def _size(policy: Compiled) -> str:
    image = policy.image
    used, whole = image.used / 1024, len(image.data) / 1024
    parts = [plural(image.states, "state"), plural(image.classes, "path class", "path classes")]
    return f"image: {', '.join(parts)}, {used:,.1f} KiB used of {whole:,.1f} KiB kernel memory"


def _as_json(policy: Compiled) -> str:
    image = policy.image
    document = {
        "profiles": {
            name: {
                "mode": str(policy.loaded.policy.profiles[name].mode),
                "rules": cover.rules,
                "decided": cover.decided,
                "undecided": dict(cover.undecided),
                "match": [glob.text for glob in cover.match.exe] if cover.match else [],
                "entered_from": sorted(cover.entered_from),
            }
            for name, cover in covers(policy.loaded.policy).items()
        },
        "image": {"states": image.states, "classes": image.classes, "used": image.used, "bytes": len(image.data)},
    }
    return msgspec.json.format(msgspec.json.encode(document)).decode()

#!/usr/bin/env python3
"""
krsi's main job, shown on real nginx: a page is served, password hashes are not, and nginx is not made to run a shell.

Each thing is done three times: without krsi, under ``krsi enforce policies/nginx.yaml``, and after its release. Runs as
root on a kernel that enforces BPF LSM programs; needs Debian's nginx-light and krsi on PATH. All it makes has
``krsi-demo`` in its name and is removed at the end. The exit status is 0 if everything was as it is said to be.
"""

import argparse
import http.client
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

NGINX = Path("/usr/sbin/nginx")
SHADOW = Path("/etc/shadow")
POLICY = Path(__file__).resolve().parents[1] / "policies" / "nginx.yaml"
STARTS_S = 180.0
HAPPENS_S = 15.0

CONFIGURATION = """\
user root;                              # careless: workers as root
worker_processes 1;
pid {pid};
error_log {log} notice;
events {{ worker_connections 64; }}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        root /usr/share/nginx/html;
        location = {leak} {{ alias /etc/shadow; }}   # careless: a wrong alias
    }}
}}
"""
SCRIPT = "#!/bin/sh\nid >{proof}\n"


class NotAsSaidError(Exception):
    """What was shown is not what was announced."""


@dataclass(frozen=True)
class Site:
    """A configuration of nginx of the demonstration's own; nobody but root can look into its folder."""

    folder: Path
    port: int

    @property
    def binary(self) -> Path:
        """What nginx is started as: a link to it."""
        return self.folder / "nginx"

    @property
    def configuration(self) -> Path:
        return self.folder / "nginx.conf"

    @property
    def proof(self) -> Path:
        """What the shell leaves behind."""
        return self.folder / "proof"

    @property
    def leak(self) -> str:
        """The address of the password hashes: nobody but us can guess it."""
        return f"/backup-{self.folder.name}"

    @property
    def log(self) -> Path:
        return Path("/var/log/nginx") / f"{self.folder.name}.log"

    @property
    def pid(self) -> Path:
        return Path("/run") / f"nginx-{self.folder.name}.pid"

    def write(self) -> None:
        """Put binary and configuration in place."""
        self._link(NGINX)
        text = CONFIGURATION.format(pid=self.pid, log=self.log, port=self.port, leak=self.leak)
        self.configuration.write_text(text)

    def turn_into_shell(self) -> None:
        """Do what an intruder does who can write here: nginx's binary becomes a shell, its argument a script."""
        self._link(Path("/bin/sh"))
        self.configuration.write_text(SCRIPT.format(proof=self.proof))
        self.configuration.chmod(0o700)

    def _link(self, target: Path) -> None:
        self.binary.unlink(missing_ok=True)
        self.binary.symlink_to(target)


@contextmanager
def made_site() -> Iterator[Site]:
    """Make a site, and take all of it away again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="krsi-demo-", dir="/etc/nginx") as folder:
        site = Site(Path(folder), port)
        site.write()
        try:
            yield site
        finally:
            site.log.unlink(missing_ok=True)


@contextmanager
def served(site: Site) -> Iterator[None]:
    """Run nginx, master and worker, by the link to it."""
    subprocess.run([site.binary, "-c", site.configuration], check=True, stdin=subprocess.DEVNULL)
    try:
        until(lambda: site.pid.exists() and fetched(site, "/")[0] == 200, "nginx to listen")
        yield
    finally:
        site.write()
        master = int(site.pid.read_text())
        os.kill(master, signal.SIGTERM)
        until(lambda: not site.pid.exists(), "nginx to end")


def policy(folder: Path) -> Path:
    """As root krsi enforces only what nobody else can change: of a checkout that is somebody's, take a copy."""
    if all(path.stat().st_uid == 0 and not path.stat().st_mode & 0o022 for path in (POLICY, *POLICY.parents)):
        return POLICY
    for path in POLICY.parent.rglob("*.yaml"):
        copy = folder / path.relative_to(POLICY.parent.parent)
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        copy.chmod(0o644)
    return folder / POLICY.relative_to(POLICY.parent.parent)


class Krsi:
    """``krsi enforce``, with what it tells."""

    def __init__(self, command: str, folder: Path) -> None:
        self._events, self._said = folder / "events", folder / "said"
        self._shown = 0
        argv = [command, "enforce", "--output", "compact", str(policy(folder))]
        print(f"  $ {' '.join(argv)}")
        with self._events.open("wb") as out, self._said.open("wb") as err:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def __enter__(self) -> "Krsi":
        until(self._is_in_force, "krsi to be in force", STARTS_S)
        print(f"  {self._said.read_text().strip()}".replace("\n", "\n  "))
        return self

    def _is_in_force(self) -> bool:
        if self._process.poll() is not None:
            raise NotAsSaidError(f"krsi enforce ended: {self._said.read_text().strip()}")
        return "in force" in self._said.read_text()

    def __exit__(self, *exception: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        self._process.wait(HAPPENS_S)

    def show(self, *words: str) -> None:
        """Wait for a refusal that has *words* in it, and show it."""
        until(lambda: self._find(words) is not None, f"an event with {', '.join(words)}")
        print(f"    {self._find(words)}")
        self._shown = len(self._events.read_text().splitlines())

    def _find(self, words: tuple[str, ...]) -> str | None:
        new = self._events.read_text().splitlines()[self._shown :]
        return next((line for line in new if all(word in line for word in ("denied", *words))), None)


def until(happens: Callable[[], bool], what: str, seconds: float = HAPPENS_S) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            raise NotAsSaidError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)


def fetched(site: Site, path: str) -> tuple[int, str]:
    """Return status and body, 0 for no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=HAPPENS_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    except OSError:
        return 0, ""
    finally:
        connection.close()


def expect(ok: bool, what: str) -> None:
    """Print what was seen; stop if it is not as it should be."""
    print(f"  {'yes' if ok else 'NO '}  {what}")
    if not ok:
        raise NotAsSaidError(what)


def show_page(site: Site) -> None:
    status, body = fetched(site, "/")
    expect(status == 200 and "nginx" in body, f"GET / gives its page (status {status}, {len(body)} bytes)")


def show_hashes(site: Site, *, refused: bool) -> None:
    status, body = fetched(site, site.leak)
    if refused:
        expect(status == 403 and "root:" not in body, f"GET {site.leak} is refused (status {status})")
    else:
        expect(body == SHADOW.read_text(), f"GET {site.leak} gives all of {SHADOW} away ({len(body)} bytes)")


def show_shell(site: Site, *, refused: bool) -> None:
    """On SIGUSR2 nginx executes what it was started as, to be upgraded without a break."""
    site.proof.unlink(missing_ok=True)
    before = site.log.stat().st_size
    site.turn_into_shell()
    os.kill(int(site.pid.read_text()), signal.SIGUSR2)
    try:
        until(lambda: "exited with code" in logged(site, before) and site.pid.exists(), "the shell to end")
    finally:
        site.write()
    said = [line.split(": ", 1)[1] for line in logged(site, before).splitlines() if "execve() failed" in line]
    if refused:
        expect(not site.proof.exists() and bool(said), "nginx upgraded to /bin/sh by SIGUSR2: no shell has run")
        print(f"    nginx says: {said[0]}")
    else:
        expect(
            site.proof.exists(),
            f"nginx upgraded to /bin/sh by SIGUSR2: a shell ran as {site.proof.read_text().split()[0]}",
        )


def logged(site: Site, start: int) -> str:
    return site.log.read_bytes()[start:].decode(errors="replace")


def demonstrate(command: str) -> None:
    """Show it."""
    with made_site() as site, ExitStack() as running:
        print(f"\n1. Without krsi. nginx serves /usr/share/nginx/html; configured carelessly in {site.folder}")
        with served(site):
            show_page(site)
            show_hashes(site, refused=False)
            show_shell(site, refused=False)
        print("\n2. Under krsi: policies/nginx.yaml in force, the same nginx started anew")
        with Krsi(command, site.folder) as krsi:
            running.enter_context(served(site))
            show_page(site)
            show_hashes(site, refused=True)
            krsi.show("file.open", str(SHADOW))
            show_shell(site, refused=True)
            krsi.show("exec", str(Path("/bin/sh").resolve()))
            show_page(site)
        print("\n3. krsi has ended. The very same processes, no longer confined")
        show_page(site)
        show_hashes(site, refused=False)
        show_shell(site, refused=False)


def main() -> int:
    """Return 0 if all was shown."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # whoever pipes it wants to see it happen too
    parser = argparse.ArgumentParser(description="show krsi on real nginx")
    parser.add_argument("--krsi", default="krsi", help="the command, if it is not on PATH")
    command = shutil.which(parser.parse_args().krsi)
    for need, there in (
        ("root", os.geteuid() == 0),
        ("nginx: apt-get install nginx-light", NGINX.exists()),
        ("krsi", command),
    ):
        if not there:
            print(f"this needs {need}", file=sys.stderr)
            return 3
    try:
        demonstrate(str(command))
    except (NotAsSaidError, subprocess.SubprocessError, OSError) as error:
        print(f"\nNot as it should be: {error}")
        return 1
    print("\nAll as it should be.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

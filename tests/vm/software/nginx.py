"""Debian's nginx and one more site: pages, errors, TLS, uploads, reload, rotation of logs, upgrade, stop."""

import re
import signal
from pathlib import Path

from .transcript import Transcript, is_running, lines_of, pid_in, ran, signalled, waited

EXE = "/usr/sbin/nginx"
PID = "/run/nginx.pid"
LOGS = ("/var/log/nginx/access.log", "/var/log/nginx/access.log.1", "/var/log/nginx/error.log")
SITE = Path("/etc/nginx/conf.d/krsi.conf")
ROOT = Path("/var/www/html")
PLAIN, SECURE = "http://127.0.0.1:8080", "https://127.0.0.1:8443"

_VARYING = r"(?m)^Date: .*$|^\s+0.*$"
_CONFIGURATION = """
server {
    listen 127.0.0.1:8080;
    listen 127.0.0.1:8443 ssl;
    ssl_certificate /etc/ssl/certs/krsi.pem;
    ssl_certificate_key /etc/ssl/private/krsi.key;
    root /var/www/html;
    error_page 404 /404.html;
    location = /word { return 200 "WORD\\n"; }
    location /upload { proxy_pass http://127.0.0.1:8081/; client_max_body_size 1m; }
    EXTRA
}
server { listen 127.0.0.1:8081; location / { return 200 "$request_method $content_length\\n"; } }
"""


def prepare() -> None:
    """Make the site's pages and certificate."""
    ROOT.mkdir(parents=True, exist_ok=True)
    (ROOT / "index.html").write_text("a page\n")
    (ROOT / "404.html").write_text("no such page\n")
    (ROOT / "large").write_bytes(bytes(range(256)) * 4096)
    ran(
        *[
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-subj",
            "/CN=krsi",
            "-days",
            "2",
        ],
        *["-keyout", "/etc/ssl/private/krsi.key", "-out", "/etc/ssl/certs/krsi.pem"],
    )


def configure(word: str, extra: str = "", user: str = "www-data") -> None:
    """Write the site; *extra* goes into its server. *user* is the workers'."""
    main = Path("/etc/nginx/nginx.conf")
    main.write_text(re.sub(r"(?m)^user .*", f"user {user};", main.read_text()))
    SITE.write_text(_CONFIGURATION.replace("WORD", word).replace("EXTRA", extra))


def got(url: str, *options: str) -> Transcript:
    """Fetch something."""
    return ran("curl", "-sSik", "--max-time", "20", *options, url, without=_VARYING)


def works(exe: str) -> Transcript:
    """Run a whole life of nginx."""
    for log in LOGS:
        Path(log).unlink(missing_ok=True)
    configure("first")
    seen = ran(exe, "-t")
    seen += started(exe)
    seen += _pages()
    seen += _reload()
    seen += _rotation(exe)
    seen += _upgrade()
    seen += stopped(exe)
    return seen + _logged()


def _logged() -> Transcript:
    """Return the logs, but for how often it was asked whether it listens; the upstream may log first."""
    lines = [line for log in LOGS for line in lines_of(log, r"\[\d\d/.*?\]|^\S+ \S+ |\d+#\d+|\*\d+")]
    return sorted(line for line in lines if "/word" not in line)


def started(exe: str) -> Transcript:
    """Start it and wait until it listens."""
    return ran(exe) + waited("listens", lambda: "status 0" in got(f"{PLAIN}/word"))


def _pages() -> Transcript:
    seen = got(f"{PLAIN}/") + got(f"{PLAIN}/nothing") + got(f"{PLAIN}/", "-X", "DELETE") + got(f"{SECURE}/")
    seen += got(f"{PLAIN}/../../etc/shadow", "--path-as-is")
    seen += got(
        f"{PLAIN}/large", "--range", "1000000-1000015", "--output", "/dev/null", "--write-out", "%{size_download}"
    )
    upload = ("--data-binary", f"@{ROOT / 'large'}", "-H", "Expect:")
    return seen + got(f"{PLAIN}/upload", *upload) + got(f"{PLAIN}/index.html", *upload)


def _reload() -> Transcript:
    master = pid_in(PID)
    configure("second")
    signalled(master, signal.SIGHUP)
    return waited("reloaded", lambda: "second" in got(f"{PLAIN}/word")) + got(f"{PLAIN}/")


def _rotation(exe: str) -> Transcript:
    Path(LOGS[0]).rename(LOGS[1])
    seen = _told(exe, "reopen") + waited("reopened", _is_reopened)
    status = Path(LOGS[0]).stat()
    return [*seen, f"{status.st_mode:o} {status.st_uid}", *got(f"{PLAIN}/after")]


def _is_reopened() -> bool:
    """It makes the log first, and then gives it to the workers' user."""
    log = Path(LOGS[0])
    return log.exists() and log.stat().st_uid != 0


def _upgrade() -> Transcript:
    """Let it execute its binary anew and hand over, as a package's upgrade does."""
    old = pid_in(PID)
    signalled(old, signal.SIGUSR2)
    seen = waited("upgraded", lambda: pid_in(PID) not in {0, old})
    signalled(old, signal.SIGQUIT)
    return seen + waited("handed over", lambda: not is_running(old)) + got(f"{PLAIN}/upgraded")


def _told(exe: str, word: str) -> Transcript:
    return ran(exe, "-s", word, without=r"(?m)^\d{4}/.* (?=signal)")


def stopped(exe: str) -> Transcript:
    """Stop it as gracefully as it can."""
    master = pid_in(PID)
    seen = _told(exe, "quit") + waited("stopped", lambda: not is_running(master))
    return [*seen, f"pid file left: {Path(PID).exists()}"]

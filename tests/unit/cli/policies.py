"""Policies for commands."""

GOOD = """- profile: web
  match: {exe: /usr/sbin/web}
  files:
    - {allow: read, path: /srv/**}
    - {allow: [read, write, create, rename], path: /srv/up/**}
    - {allow: [read, map, create, rename], path: /srv/bin/**}
    - {deny: read, path: /srv/secret}
    - {kill: write, path: /usr/**}
    - {allow: any, path: /own/**, owner: true}
  exec:
    - {allow: /bin/a}
    - {allow: /bin/b, as: shell}
    - {allow: "/bin/[cdf]", as: matched}
    - {allow: /bin/e, as: unconfined}
- profile: shell
- profile: c
  match: {exe: /bin/c}
- profile: f
  match: {exe: /bin/f, uid: [0, 33]}
"""

HOLDS = """- test: what holds
  profile: web
  cases:
    - {read: /srv/x, expect: allow}
    - {read: /srv/secret, expect: deny}
    - {write: /usr/bin/x, expect: kill}
    - {read: /own/x, expect: deny}
    - {read: /own/x, owner: true, expect: allow}
    - {exec: /bin/a, expect: allow, as: web}
    - {exec: /bin/b, expect: allow, as: shell}
    - {exec: /bin/c, expect: allow, as: c}
    - {exec: /bin/d, expect: deny}
    - {exec: /bin/e, expect: allow, as: unconfined}
    - {rename: /srv/up/a, to: /srv/up/b, expect: allow}
    - {rename: /srv/up/a, to: /srv/bin/a, expect: deny}
    - {rename: /srv/up/a/, to: /srv/up/b/, expect: allow}
    - {rename: /srv/up/a/, to: /srv/bin/a/, expect: deny}
"""

FAILS = """- test: what does not
  profile: web
  cases:
    - {read: /srv/x, expect: deny}
    - {read: /etc/shadow, expect: allow}
    - {exec: /bin/b, expect: allow, as: web}
    - {exec: /bin/d, expect: allow}
    - {exec: /bin/f, expect: allow, as: f}
    - {rename: /srv/up/a, to: /srv/bin/a, expect: allow}
    - {rename: /srv/up/a/, to: /srv/x/up/, expect: allow}
    - {map: /bin/a, expect: kill}
"""

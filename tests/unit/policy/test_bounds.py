"""How long a policy takes; tests/fuzz/policy_bounds.py has the hostile ones."""

import time

from krsi.policy.faults import Fault

from .policies import faults, policy


def test_ten_thousand_rules_of_a_hundred_profiles_are_read_in_a_moment() -> None:
    lines = ["- vars: {HOME: ['/home/*', /root]}"]
    for profile in range(100):
        lines += [f"- profile: p{profile}", f"  match: {{exe: /usr/bin/p{profile}}}", "  files:"]
        for rule in range(0, 100, 4):
            path = f"/usr/share/p{profile}/{rule}"
            lines += [
                f"    - {{allow: read, path: {path}/data}}",
                f"    - {{allow: [read, write], path: ['{path}/**', '@{{HOME}}{path}/*.conf'], owner: true}}",
                f"    - {{deny: any, path: '{path}/{{a,b}}/[0-9]*', log: critical}}",
                f"    - {{allow: rw, path: {path}/x*}}",
            ]
    begun = time.process_time()
    found = policy("\n".join(lines))
    assert time.process_time() - begun < 5
    assert sum(not rule.implied for profile in found.profiles.values() for rule in profile.rules) == 12_500


def test_alias_bombs_do_not_go_off() -> None:
    lines = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &a{number} [{', '.join([f'*a{number - 1}'] * 10)}]" for number in range(1, 30)]
    begun = time.process_time()
    assert faults("\n".join(lines))[-1] is Fault.TOO_MANY_NODES
    assert time.process_time() - begun < 5

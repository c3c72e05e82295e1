import errno

from krsi.bpf.verifier import refusal, telling_line
from krsi.errors import KernelError, VerifierError

LOG = """\
func#0 @0
0: R1=ctx() R10=fp0
; return *number;
7: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'map_value_or_null'
processed 8 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
"""

SAID = [
    "prog 'bad': BPF program load failed: Permission denied",
    f"prog 'bad': -- BEGIN PROG LOAD LOG --\n{LOG}-- END PROG LOAD LOG --",
    "prog 'bad': failed to load: -13",
]


def test_the_telling_line_is_the_last_before_the_statistics() -> None:
    """
    Whatever follows them.
    """
    assert telling_line(LOG) == "R0 invalid mem access 'map_value_or_null'"
    assert telling_line(LOG + "stack depth 0\n") == "R0 invalid mem access 'map_value_or_null'"


def test_a_log_without_statistics_has_its_last_line() -> None:
    """
    And one without anything has none.
    """
    assert telling_line("unknown opcode 8e\n") == "unknown opcode 8e"
    assert telling_line("processed 0 insns\n") == "processed 0 insns"
    assert telling_line("") == ""


def test_a_refusal_names_the_program_and_keeps_the_log() -> None:
    """
    The whole text is what a person gets.
    """
    error = refusal("load object 'o'", KernelError(errno.EACCES, "bpf_object__load"), SAID)
    assert isinstance(error, VerifierError)
    assert error.log == LOG
    assert str(error) == (
        "load object 'o': program 'bad': Permission denied: "
        "R0 invalid mem access 'map_value_or_null' (6 lines of verifier log kept)"
    )


def test_a_failure_without_a_log_has_libbpf_s_first_complaint() -> None:
    """
    The first is the cause, the others follow from it.
    """
    said = ["map 'm': failed to create: Invalid argument(-22)", "failed to load object 'o'"]
    error = refusal("load object 'o'", KernelError(errno.EINVAL, "bpf_object__load"), said)
    assert isinstance(error, KernelError)
    assert not isinstance(error, VerifierError)
    assert str(error) == "load object 'o' (map 'm': failed to create: Invalid argument(-22)): Invalid argument"
    assert error.errno == errno.EINVAL
    assert str(refusal("load object 'o'", KernelError(22, "x"), [])) == "load object 'o': Invalid argument"

"""krsi confines programs on Linux by BPF LSM programs and a policy in YAML."""

__version__ = "0.1.0"

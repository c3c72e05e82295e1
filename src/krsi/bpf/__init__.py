"""Mechanism without policy: libbpf, objects, maps, the ring buffer, BTF, and what this kernel can do."""

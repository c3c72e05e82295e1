"""
Says what a pylibbpf does, one line a case, so that two of them can be compared line by line.

usage: probe.py FOLDER [DIALECT]

FOLDER has the compiled objects; with DIALECT krsi's own module is put in place of the installed one.
"""

# mypy: ignore-errors
# ruff: noqa: T201

import gc

import cases_maps
import cases_perf
import cases_programs
import cases_structs
import cases_surface

SECTIONS = (
    cases_surface.surface,
    cases_surface.construction,
    cases_surface.before_load,
    cases_surface.loading,
    cases_surface.names,
    cases_maps.conversions,
    cases_maps.operations,
    cases_maps.protocols,
    cases_maps.kinds,
    cases_programs.programs,
    cases_programs.attach_all,
    cases_programs.gone,
    cases_perf.perf_arguments,
    cases_perf.events,
    cases_perf.lost,
    cases_perf.several_buffers,
    cases_perf.threads,
    cases_perf.signals,
    cases_structs.parser,
    cases_structs.value_structs,
    cases_structs.symbol_tables,
    cases_programs.endings,
)

for section in SECTIONS:
    print(f"== {section.__name__}")
    section()
    gc.collect()

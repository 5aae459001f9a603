"""Faults that real SISs were seen to have, to be switched on one by one.

Every fault is a class in one of the modules here; importing this package registers them all.
"""

from roster_pipeline.sandbox.sis.faults import paging, rows, setup, transport, writes
from roster_pipeline.sandbox.sis.faults.base import Fault, describe_faults, parse_fault

__all__ = ["Fault", "describe_faults", "paging", "parse_fault", "rows", "setup", "transport", "writes"]

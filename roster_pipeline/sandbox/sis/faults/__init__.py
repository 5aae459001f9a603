"""Faults that real SISs were seen to have, to be switched on one by one."""

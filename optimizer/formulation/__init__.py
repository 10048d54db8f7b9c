"""Rules to rows: the scenario as a linear or integer program, in arrays."""

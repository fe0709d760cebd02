"""The composition root: wires the rooms, decides nothing."""

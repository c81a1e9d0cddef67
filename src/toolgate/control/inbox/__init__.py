"""Calls that wait for a person: what people see of them, who decides, and who is told."""

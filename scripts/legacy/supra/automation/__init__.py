"""The old names of the dvrf tools."""

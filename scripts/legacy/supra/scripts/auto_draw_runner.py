#!/usr/bin/env python3
"""The old name of `dvrf auto-draw`: same flags, same variables, same exit codes."""
import os
import sys

os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.execvp("@DVRF@", ["dvrf", "auto-draw", *sys.argv[1:]])

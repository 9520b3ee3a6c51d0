"""The old `python -m supra.scripts CMD`: `dvrf` knows every old command and flag."""
import os
import sys

os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
os.execvp("@DVRF@", ["dvrf", *sys.argv[1:]])

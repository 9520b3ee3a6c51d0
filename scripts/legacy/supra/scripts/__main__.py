"""The old name of `dvrf`, `python -m supra.scripts COMMAND`: it knows every old command and flag."""
import os
import sys


def main():
    """Becomes dvrf with an empty stdin: the old script never read one."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    dvrf = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(__file__))), "dvrf")
    try:
        os.execv(dvrf, ["supra.scripts", *sys.argv[1:]])
    except OSError as error:
        print(f"[error] supra.scripts: cannot start {dvrf}: {error.strerror}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""`python -m nodeimpl.snapctl`: the command line."""

from nodeimpl.snapctl.commands import snapctl

if __name__ == "__main__":
    snapctl(prog_name="snapctl")

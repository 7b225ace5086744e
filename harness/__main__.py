"""`python -m harness` is `quorate`."""

from harness.cli import main

if __name__ == "__main__":
    main()

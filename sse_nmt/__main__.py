"""`python -m sse_nmt`, the same as `sse-nmt`."""

from sse_nmt.cli import main

if __name__ == "__main__":
    main()

"""fairseq criterions; `sse_nmt` registers them, since fairseq's `--user-dir` does not import this folder."""

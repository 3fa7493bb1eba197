"""The commands of `sse-nmt`, by step of the work: each is a module of this room with the same name."""

COMMANDS = {
    "prepare": {
        "prepare": "fetch a corpus or take your own text, clean it, split it into subwords and binarise it for fairseq",
        "graph": "build and show knowledge graphs over a vocabulary, along which SSE-Graph replaces tokens",
    },
    "train": {
        "train": "train systems on prepared text, each in a run folder of its own",
        "average": "average the parameters of a run's last checkpoints",
        "export": "write a checkpoint that fairseq's plain translation task reads",
    },
    "translate and score": {
        "translate": "translate text, one sentence a line",
        "evaluate": "score a run on its test text, or a file of translations against a reference",
        "newstest": "score runs on newstest2008-2018, English-German",
        "compare": "print a table of scored runs against a baseline",
    },
    "find out": {
        "study": "train and score systems on corpora with seeds, cell by cell, and say what came out",
    },
    "measure": {
        "bench": "measure what SSE, training steps, preparing and translating cost on this machine",
    },
}

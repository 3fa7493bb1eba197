"""BLEU on newstest2008–2018 as Wu et al. (2019) report it, Table 5: WMT14 English–German, 6-layer Transformer.

Which BLEU that is, the paper does not say: to be read beside scores of other makes, not compared with them.
"""

from __future__ import annotations

SOURCE = "Wu, Li, Hsieh, Sharpnack, Stochastic Shared Embeddings, NeurIPS 2019, Table 5"
BLEU: dict[str, dict[int, float]] = {
    "Transformer": dict(
        zip(range(2008, 2019), (21.0, 20.7, 22.7, 20.6, 20.6, 25.3, 26.2, 28.4, 32.1, 27.2, 38.8), strict=True)
    ),
    "Transformer + SSE-SE": dict(
        zip(range(2008, 2019), (21.4, 21.1, 23.0, 21.0, 20.8, 25.2, 27.2, 29.2, 33.1, 27.9, 39.9), strict=True)
    ),
}

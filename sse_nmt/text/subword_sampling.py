"""Drawing the pieces of a text at random: subword regularisation (Kudo, 2018, 3.2).

A segmentation x of a word is drawn with P(x) ∝ p(x)^α, p by the unigram model, among all that there are (l = ∞ there),
by forward filtering and backward sampling. SentencePiece can do the same, but cannot be told a seed.
"""

from __future__ import annotations

import math
import random
import re
from functools import lru_cache

import sentencepiece

_WORD = re.compile(r"▁?[^▁]+|▁")  # no piece goes beyond a blank, which is its first character
_PENALTY = 10.0  # SentencePiece's: an unknown character is so much less likely than the rarest piece
_WORDS = 1 << 18  # whose segmentations are remembered
Lattice = list[list[tuple[int, float]]]  # for each end in a word: where its last piece may begin, and with what log P


class SegmentationSampler:
    """Args:
    model: a unigram model.
    alpha: 0 draws all segmentations alike, 1 as the model has them.
    """

    def __init__(self, model: sentencepiece.SentencePieceProcessor, alpha: float, seed: int) -> None:
        self._model, self._alpha = model, alpha
        ids = [number for number in range(model.get_piece_size()) if not model.is_unknown(number)]
        self._scores = {model.id_to_piece(number): model.get_score(number) for number in ids}
        self._longest = max(map(len, self._scores))
        self._unknown = min(self._scores.values()) - _PENALTY
        self._random = random.Random(seed)
        self._lattice = lru_cache(_WORDS)(self._make_lattice)

    def __call__(self, text: str) -> list[str]:
        """Pieces of a line of text."""
        normal = "".join(self._model.encode(text, out_type=str))
        return [piece for word in _WORD.findall(normal) for piece in self._draw(word)]

    def _draw(self, word: str) -> list[str]:
        """From the end: the last piece given that the word ends here, and so on to the beginning."""
        lattice, end, pieces = self._lattice(word), len(word), []
        while end > 0:
            left, begin = self._random.random(), end
            for begin, log_probability in lattice[end]:  # noqa: B007  # it is what was drawn
                left -= math.exp(log_probability)
                if left < 0:
                    break
            pieces.append(word[begin:end])
            end = begin
        return pieces[::-1]

    def _make_lattice(self, word: str) -> Lattice:
        """Log probabilities of each last piece, α times its score and the sum over all that comes before it."""
        sums = [0.0]
        lattice: Lattice = [[]]
        for end in range(1, len(word) + 1):
            found = []
            for begin in range(max(0, end - self._longest), end):
                score = self._scores.get(word[begin:end])
                if score is None and end - begin == 1:
                    score = self._unknown
                if score is not None:
                    found.append((begin, sums[begin] + self._alpha * score))
            most = max(value for _, value in found)
            total = most + math.log(sum(math.exp(value - most) for _, value in found))
            sums.append(total)
            lattice.append([(begin, value - total) for begin, value in found])
        return lattice

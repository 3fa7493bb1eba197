"""An `nn.Embedding` whose look-ups are perturbed in training, and how to put it into a model."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor, nn

from sse_nmt.methods.module_surgery import computes_as, has_hooks, places_of, replace_submodules
from sse_nmt.methods.perturbation import Perturbation

_NO_TOKENS = re.compile(r"position|relative_attention_bias|token_type|segment|(^|[._])wpe$|(^|[._])pos_emb")
Make = Callable[[nn.Embedding, list[int]], Perturbation]  # of an embedding and the rows that take part


class PerturbedEmbedding(nn.Embedding):
    """An existing embedding with a perturbation of ids or vectors.

    In training mode every id goes through ``perturbation.perturb_ids`` before the look-up, so forward and backward
    both see the row that stands in, and the vectors go through ``perturb_vectors`` after it; in evaluation mode it is a
    plain look-up. It holds the *same* Parameter as ``embedding``: weight tying, optimisers and state-dict keys stay as
    they were.

    Args:
        embedding: the table, (V, D).
        perturbation: made for V rows.
        generator: to draw from on its device; torch's default one when None. Processes that train together and were
            seeded alike draw alike from the latter: give each a generator of its own seed.

    Raises:
        TypeError: ``embedding`` is no nn.Embedding, or one with a look-up or hooks of its own.
        ValueError: the perturbation is for another number of rows.
    """

    METHOD, REMOVER, ATTRIBUTE = "noise", "remove_noise", "perturbation"  # as sentences name them

    def __init__(
        self, embedding: nn.Embedding, perturbation: Perturbation, generator: torch.Generator | None = None
    ) -> None:
        _check_plain(embedding)
        if perturbation.num_embeddings != embedding.num_embeddings:
            raise ValueError(
                f"`{self.ATTRIBUTE}` must be for {embedding.num_embeddings} rows, the size of the embedding, "
                f"but is for {perturbation.num_embeddings} instead."
            )
        super().__init__(
            embedding.num_embeddings,
            embedding.embedding_dim,
            padding_idx=embedding.padding_idx,
            max_norm=embedding.max_norm,
            norm_type=embedding.norm_type,
            scale_grad_by_freq=embedding.scale_grad_by_freq,
            sparse=embedding.sparse,
            _weight=embedding.weight,
        )
        self.weight = embedding.weight  # nn.Embedding made a new Parameter of it: we want the very same one
        self.perturbation = perturbation.to(embedding.weight.device)
        self._generator = generator
        self._original = [embedding]  # in a list: a module of ours, it would have parameters and keys
        self.train(embedding.training)

    def generator_for(self, device: torch.device) -> torch.Generator | None:
        """The generator to draw from on ``device``; None is torch's default one. For subclasses."""
        return self._generator

    def plain(self) -> nn.Embedding:
        """The embedding that this one was made of, with the Parameter that this one has now."""
        embedding = self._original[0]
        embedding.weight = self.weight
        embedding.num_embeddings, embedding.embedding_dim = self.weight.shape
        return embedding.train(self.training)

    def __prepare_scriptable__(self) -> nn.Embedding:
        """Asked by `torch.jit.script`, which knows no generators and would leave the model unperturbed."""
        raise RuntimeError(
            f"A model with {self.METHOD} cannot be scripted: take {self.METHOD} out first, with `{self.REMOVER}`."
        )

    def forward(self, input: Tensor) -> Tensor:
        """Ids (*) -> vectors (*, D)."""
        if not self.training:
            return super().forward(input)
        vectors = super().forward(self.draw(input))
        return self.perturbation.perturb_vectors(vectors, input, self.generator_for(input.device))

    def draw(self, input: Tensor) -> Tensor:
        """Ids (*) -> ids (*), of which some are replaced.

        Raises:
            ValueError: the table was resized since the perturbation was made.
        """
        check_rows(self, self.perturbation, self.ATTRIBUTE, self.METHOD, f"`{self.REMOVER}`")
        return self.draw_checked(input)

    def draw_checked(self, input: Tensor) -> Tensor:
        """As `draw`, of a table that has the right number of rows. For subclasses."""
        return self.perturbation.perturb_ids(input, self.generator_for(input.device))


def check_rows(embedding: nn.Module, perturbation: Perturbation, attribute: str, method: str, remover: str) -> None:
    """Raise ValueError if the table was resized since the perturbation was made."""
    rows = len(embedding.weight)  # type: ignore[arg-type]
    if rows != perturbation.num_embeddings:
        raise ValueError(
            f"The table has {rows} rows, but its {attribute} is for {perturbation.num_embeddings}: put {method} in "
            f"after resizing ({remover} takes it out before)."
        )


def perturb_embeddings(
    module: nn.Module,
    kind: type[PerturbedEmbedding],
    make: Make,
    names: Iterable[str] | None,
    special_ids: Iterable[int],
    generator: torch.Generator | None,
) -> nn.Module:
    """Put embeddings of a ``kind`` into any model, in place; for `apply_sse` and `apply_noise`, which say the rest."""
    found = token_embeddings(module, kind.METHOD, names)
    specials = _checked(special_ids, [embedding.num_embeddings for embedding in found.values()])
    # All are made before the first is put in: a refused one leaves the model as it was.
    made = {
        name: kind(embedding, make(embedding, rows_that_take_part(embedding, specials)), generator)
        for name, embedding in found.items()
    }
    return replace_submodules(module, made)


def token_embeddings(module: nn.Module, method: str, names: Iterable[str] | None) -> dict[str, nn.Embedding]:
    """Every place of the embeddings of these names; without names of all that are of tokens.

    Raises:
        ValueError: there is none, or a name that is none.
    """
    found = dict(places_of(module, nn.Embedding))
    wanted = _tokens(module, found, method) if names is None else list(names)
    for name in wanted:
        if name not in found:
            raise ValueError(f"`names` must name embeddings of {type(module).__name__}, but {name!r} is none of them.")
    if not wanted:
        raise ValueError(f"`module` must contain an nn.Embedding, but {type(module).__name__} has none.")
    chosen = {id(found[name]) for name in wanted}
    return {name: embedding for name, embedding in found.items() if id(embedding) in chosen}


def remove_perturbations(module: nn.Module, kind: type[PerturbedEmbedding]) -> nn.Module:
    """Every embedding of the ``kind`` becomes the one that it was made of, in place."""
    return replace_submodules(module, {name: child.plain() for name, child in places_of(module, kind)})


def rows_that_take_part(embedding: nn.Embedding, special_ids: set[int]) -> list[int]:
    special = special_ids | ({embedding.padding_idx} if embedding.padding_idx is not None else set())
    return [row for row in range(embedding.num_embeddings) if row not in special]


def _tokens(module: nn.Module, found: Mapping[str, nn.Embedding], method: str) -> list[str]:
    """Embeddings of tokens, as far as names tell; a warning names the others, and embeddings of another kind."""
    others = [name for name in found if _NO_TOKENS.search(name)]
    others += [name for name, child in module.named_modules() if isinstance(child, nn.EmbeddingBag)]
    if others:
        warnings.warn(f"No tokens, so left without {method}: {', '.join(others)}; `names` can name any.", stacklevel=5)
    return [name for name in found if name not in others]


def _checked(special_ids: Iterable[int], sizes: Iterable[int]) -> set[int]:
    ids, rows = set(special_ids), max(sizes)
    for each in ids:
        if not 0 <= each < rows:
            raise ValueError(f"`special_ids` must be in [0, {rows}), but {each} is among them.")
    return ids


def _check_plain(embedding: nn.Embedding) -> None:
    kind = type(embedding).__name__
    if not isinstance(embedding, nn.Embedding):
        raise TypeError(f"`embedding` must be an nn.Embedding, but is a {kind} instead.")
    if isinstance(embedding, PerturbedEmbedding):
        raise TypeError(f"`embedding` must be plain, but has {embedding.METHOD} already.")
    if not computes_as(embedding, nn.Embedding) or "weight" not in embedding._parameters:
        raise TypeError(f"`embedding` must be looked up as nn.Embedding does, but {kind} has a look-up of its own.")
    if has_hooks(embedding):
        raise TypeError(f"`embedding` must carry no hooks, which would be lost, but this {kind} has some.")

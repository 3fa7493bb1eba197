"""The embedding tables of a model: those whose rows frequency-aware SGD may step."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from sse_nmt.methods.module_surgery import places_of, tie_to_another


def embedding_tables(module: nn.Module, names: Iterable[str] | None = None) -> list[Tensor]:
    """The tables (V, D) of the embeddings in ``module``, each once.

    A table tied to another layer is refused. An output layer has a gradient for every row at every update, so rows
    no longer have frequencies: every counter of CF-SGD would be t, and every step the same α / √t. Whoever wants it
    all the same gives the Parameter to `FrequencyAwareSGD` without asking here; see there what then happens. Ties
    that no module holds, such as ``F.linear(x, embedding.weight)``, cannot be seen.

    Args:
        names: which embeddings, by their name in ``module.named_modules()``; all when None. Name them where the model
            also embeds positions, which are no tokens.

    Raises:
        ValueError: a name that is no embedding, or a tied table.
    """
    embeddings = dict(places_of(module, nn.Embedding))
    tables: dict[Tensor, None] = {}
    for name in embeddings if names is None else names:
        if name not in embeddings:
            raise ValueError(f"`names` must name embeddings of {type(module).__name__}, but {name!r} is none of them.")
        table = embeddings[name].weight
        tie = tie_to_another(module, {name: table}, embeddings)
        if tie is not None:
            raise ValueError(f"`{name}` must have a table of its own, but shares it with `{tie[0]}` instead.")
        tables[table] = None
    return list(tables)

"""`threatclip export-clip`: a trained model in the format of transformers' CLIPModel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from threatclip.cli.options import Json
from threatclip.cli.terminal import show, show_json


def export_clip(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, or a bundle in it, of two CLIP towers.")],
    out: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to write.")],
    as_json: Json = False,
) -> None:
    """Save a text-image model for transformers.

    Writes what `CLIPModel.from_pretrained` and `CLIPProcessor.from_pretrained` read; the outputs are the same there.
    Only models of CLIP's own architecture can be saved so: those that started from a CLIP folder.
    """
    from threatclip.encoders.clip_export import save_as_clip
    from threatclip.experiments.contrastive.bundle import DualBundle

    bundle = DualBundle.load(run)
    save_as_clip(bundle.dual, out)
    n_parameters = sum(parameter.numel() for parameter in bundle.dual.parameters())
    if as_json:
        show_json({"run": str(run), "output": str(out), "model": bundle.model, "n_parameters": n_parameters})
        return
    show(f"{out}: {n_parameters:,} parameters, as transformers' CLIPModel")

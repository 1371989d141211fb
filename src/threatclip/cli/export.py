"""`threatclip export`: answers for other tools. `threatclip export-clip`: a model for transformers' CLIPModel."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from threatclip.cli.options import Json
from threatclip.cli.terminal import say, show, show_json
from threatclip.errors import InputError

if TYPE_CHECKING:
    from threatclip.experiments.exporting import ExportKind

_SHOWN_LABELS = 5

app = typer.Typer(help="Write answers as files of other tools.", rich_markup_mode=None, pretty_exceptions_enable=False)

Answers = Annotated[Path, typer.Argument(metavar="ANSWERS", help="JSON Lines that `threatclip classify` wrote.")]
Out = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="JSON file to write.")]
Attack = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="ATT&CK's STIX bundle, as enterprise-attack.json: names, tactics, ids in force."),
]
Pairs = Annotated[
    Path | None, typer.Option(metavar="TABLE", help="The pair table that was classified; its views go out too.")
]
Name = Annotated[str | None, typer.Option(metavar="TEXT", help="Name of the whole; the file's by default.")]
Time = Annotated[str | None, typer.Option("--time", metavar="TIME", help="When it was made, ISO 8601; now by default.")]
Top = Annotated[int, typer.Option(metavar="N", help="Claims of each answer.")]
Least = Annotated[float, typer.Option("--min-probability", metavar="P", help="Least probability of a claim.")]
TlpLevel = Annotated[
    str | None,
    typer.Option("--tlp", metavar="LEVEL", help="To whom it may go: clear, green, amber, amber+strict, red."),
]


@app.command()
def stix(
    answers: Answers,
    out: Out,
    attack: Attack = None,
    pairs: Pairs = None,
    name: Name = None,
    time: Time = None,
    top: Top = 1,
    least: Least = 0.0,
    tlp: TlpLevel = None,
    as_json: Json = False,
) -> None:
    """Write a STIX 2.1 bundle.

    A report, a note for each sentence, observed data for each other input, and relationships to ATT&CK's own objects,
    with confidence. The same answers and --time give the same bytes. Needs the extra `export`.
    """
    _export(
        "stix",
        answers,
        out,
        attack=attack,
        pairs=pairs,
        name=name,
        time=time,
        top=top,
        least=least,
        tlp=tlp,
        json=as_json,
    )


@app.command()
def navigator(
    answers: Answers,
    out: Out,
    attack: Attack = None,
    name: Name = None,
    time: Time = None,
    top: Top = 1,
    least: Least = 0.0,
    tlp: TlpLevel = None,
    as_json: Json = False,
) -> None:
    """Write a layer of the ATT&CK Navigator.

    Format 4.5; a technique's score is the highest probability that any answer gives it, in percent.
    """
    _export(
        "navigator",
        answers,
        out,
        attack=attack,
        pairs=None,
        name=name,
        time=time,
        top=top,
        least=least,
        tlp=tlp,
        json=as_json,
    )


@app.command()
def misp(
    answers: Answers,
    out: Out,
    attack: Attack = None,
    pairs: Pairs = None,
    name: Name = None,
    time: Time = None,
    top: Top = 1,
    least: Least = 0.0,
    tlp: TlpLevel = None,
    as_json: Json = False,
) -> None:
    """Write a MISP event.

    An attribute for each answer, tagged with ATT&CK's galaxies and how likely it is; nothing is published, nothing is
    for blocking. Needs the extra `misp`.
    """
    _export(
        "misp",
        answers,
        out,
        attack=attack,
        pairs=pairs,
        name=name,
        time=time,
        top=top,
        least=least,
        tlp=tlp,
        json=as_json,
    )


def _export(
    kind: ExportKind,
    answers: Path,
    out: Path,
    *,
    attack: Path | None,
    pairs: Path | None,
    name: str | None,
    time: str | None,
    top: int,
    least: float,
    tlp: str | None,
    json: bool,
) -> None:
    from threatclip.experiments.exporting import export_answers
    from threatclip.export.tlp import tlp_of

    report = export_answers(
        kind,
        answers,
        out,
        created=_moment(time),
        name=name,
        attack=attack,
        pairs=pairs,
        top=top,
        least=least,
        tlp=None if tlp is None else tlp_of(tlp),
    )
    if report.unknown:
        labels = ", ".join(f"{label} ({count:,})" for label, count in list(report.unknown.items())[:_SHOWN_LABELS])
        say(f"left out, for they refer to nothing known: {labels}")
    if json:
        show_json(report.as_dict())
        return
    kept = f"{report.exported:,} of {report.answers:,} answers"
    show(f"{out}: {kept}, {report.objects:,} {_COUNTED[kind]}; abstained {report.abstained:,}, below {report.below:,}")


_COUNTED = {"stix": "objects", "navigator": "techniques", "misp": "attributes"}


def _moment(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"--time {text[:40]!a} is no time; want ISO 8601, as 2026-03-04T05:06:07Z") from error


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

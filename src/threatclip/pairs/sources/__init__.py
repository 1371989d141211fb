"""Where pairs come from: one file per origin, and the union of them.

A source is a frozen dataclass of options with `kind`, `modality` and `read(path)`, which yields for every row a
Pair, a BadRow (broken) or a SkippedRow (whole, but without a pair). New origin = one file + one name in `Source`.
"""

from __future__ import annotations

from typing import get_args

from threatclip.pairs.sources.attack_procedures import AttackProcedures
from threatclip.pairs.sources.cifar10 import Cifar10
from threatclip.pairs.sources.crisis_images import CrisisImages
from threatclip.pairs.sources.crisismmd import CrisisMmd
from threatclip.pairs.sources.crs import Crs
from threatclip.pairs.sources.csv import Csv
from threatclip.pairs.sources.cve import Cve
from threatclip.pairs.sources.dmd import Dmd
from threatclip.pairs.sources.eve import Eve
from threatclip.pairs.sources.flickr8k import Flickr8k
from threatclip.pairs.sources.image_folder import ImageFolder
from threatclip.pairs.sources.image_parquet import ImageParquet
from threatclip.pairs.sources.imagenette import Imagenette
from threatclip.pairs.sources.jsonl import Jsonl
from threatclip.pairs.sources.nuclei import Nuclei
from threatclip.pairs.sources.parquet import Parquet
from threatclip.pairs.sources.payload_list import PayloadList
from threatclip.pairs.sources.report import Report
from threatclip.pairs.sources.stix import Stix
from threatclip.pairs.sources.taxii import Taxii
from threatclip.pairs.sources.tram import Tram
from threatclip.pairs.sources.tweets import Tweets
from threatclip.pairs.sources.webdataset import WebDataset

Source = (
    Csv
    | Jsonl
    | Parquet
    | Nuclei
    | Cve
    | Eve
    | Crs
    | PayloadList
    | AttackProcedures
    | Stix
    | Taxii
    | Report
    | Tram
    | ImageFolder
    | ImageParquet
    | WebDataset
    | CrisisMmd
    | Flickr8k
    | Dmd
    | Cifar10
    | Imagenette
    | CrisisImages
    | Tweets
)
SOURCES = {source.__dataclass_fields__["kind"].default: source for source in get_args(Source)}

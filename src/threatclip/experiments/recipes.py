"""Every recipe that `threatclip train` takes, told apart by `task`."""

from __future__ import annotations

from threatclip.experiments.attribution.recipe import Attribution
from threatclip.experiments.contrastive.recipe import Contrastive
from threatclip.experiments.events.recipe import Events
from threatclip.experiments.events.zero_shot_recipe import EventsZeroShot
from threatclip.experiments.group_seed.recipe import GroupSeed
from threatclip.experiments.recipe import PayloadWeakness
from threatclip.experiments.technique.recipe import Technique

Recipe = PayloadWeakness | Contrastive | Events | EventsZeroShot | GroupSeed | Attribution | Technique

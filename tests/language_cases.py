"""A tiny MPNet with its masked-language head, saved in the hub's own format, and a tiny WordNet dictionary."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from transformers import MPNetConfig, MPNetForMaskedLM, MPNetTokenizer

WORDS = "actor malware campaign opened wrote fetched moved packed sent read kept things way near with by of the".split()
_LICENSE = "  1 This dictionary was made by a test.  \n"
SYNSETS: Mapping[str, Sequence[Sequence[str]]] = {
    "noun": [["thing", "object", "matter"], ["way", "road", "means_of_access"], ["box", "chest"]],
    "verb": [["fetch", "bring", "get"], ["open", "unlock"], ["move", "go"], ["write", "pen"], ["read", "scan"]],
    "adj": [["near", "close(p)", "nigh"]],
    "adv": [["quickly", "fast"]],
}


def save_mpnet(folder: Path, *, layers: int = 3) -> Path:
    """Save a random MPNet of width 32 as the hub has it, head and tokenizer included; return its folder."""
    letters = string.ascii_lowercase + string.digits + ".#-"
    pieces = [*letters, *(f"##{letter}" for letter in letters), *(word for word in WORDS if len(word) > 1)]
    marks = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]"]
    names = [*marks, *pieces, "<mask>"]
    tokenizer = MPNetTokenizer(vocab={name: number for number, name in enumerate(names)}, model_max_length=40)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shape = MPNetConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            num_hidden_layers=layers,
            num_attention_heads=4,
            intermediate_size=48,
            max_position_embeddings=66,
        )
        MPNetForMaskedLM(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def save_wordnet(folder: Path) -> Path:
    """Write a dictionary of SYNSETS in the form of wndb(5WN), and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, synsets in SYNSETS.items():
        content, places = _LICENSE, dict[str, list[int]]()
        for words in synsets:
            at = len(content)
            for word in words:
                places.setdefault(word.partition("(")[0], []).append(at)
            named = " ".join(f"{word} 0" for word in words)
            content += f"{at:08d} 03 {part[0]} {len(words):02x} {named} 000 | made up  \n"
        (folder / f"data.{part}").write_text(content, encoding="ascii")
        lines = [
            f"{word} {part[0]} {len(own)} 0 {len(own)} 0 {' '.join(f'{place:08d}' for place in own)}  \n"
            for word, own in sorted(places.items())
        ]
        (folder / f"index.{part}").write_text(_LICENSE + "".join(lines), encoding="ascii")
    (folder / "verb.exc").write_text("wrote write\nwent go\n", encoding="ascii")
    return folder

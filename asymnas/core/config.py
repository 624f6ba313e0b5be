"""What one run is: frozen, checked when made, stored with the results.

The options of a run are the fields here; `asymnas/core/declarations.py` has how one is declared.
"""

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, InstanceOf

from asymnas.core.budget import Budget
from asymnas.core.declarations import (
    ARGUMENTS,
    DATA,
    DESIGN,
    MACHINE,
    NETWORK,
    SEARCH,
    Count,
    Counts,
    Duration,
    Fraction,
    Names,
    Natural,
    Option,
    Part,
    PathText,
    Rates,
    Rule,
    RunDir,
    Seed,
    Shares,
    SomeNames,
    StorageUrl,
    TextOrPath,
    Three,
    Whole,
    as_dict,
    check,
    documented,
    identity,
    known,
    native,
)
from asymnas.core.errors import ConfigError

Bottleneck = Literal["dense", "spatial", "pooled"]
PartName = Literal["whole", "encoder", "decoder"]  # of an autoencoder that is exported
Device = Annotated[
    str,
    Field(pattern=r"^(auto|cpu|cuda|cuda:\d+)$"),
    Rule("auto, cpu, cuda or cuda:<number>", "DEVICE"),
]
Precision = Literal["auto", "fp32", "bf16"]
Executor = Annotated[
    str,
    Field(pattern=r"^(local|ray|ray:\S+)$"),
    Rule("local, ray or ray:<address>", "EXECUTOR"),
]


@dataclass(frozen=True, kw_only=True)
class DataSpec:
    """Everything that determines a data set and its splits.

    Args:
        name: A registered data set, or `folder:DIR`, `audio:DIR`, `npz:FILE`, `csv:FILE`,
            `parquet:FILE`.
        root: Where downloads and decoded images live; `None` for `~/.cache/asymnas`.
        download: Whether to fetch a missing data set.
        image_size: Height and width in pixels that a folder's images are resized to.
        seed: Fixes the splits.
    """

    name: str
    root: str | None = None
    download: bool = False
    image_size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("name", "root"):
            if isinstance(given := getattr(self, name), os.PathLike):
                object.__setattr__(self, name, os.fspath(given))
        for name in ("image_size", "seed"):
            object.__setattr__(self, name, native(getattr(self, name)))

    @property
    def source(self) -> str:
        """The registered name: what stands before the colon, and before options."""
        return self.name.partition(":")[0].partition("?")[0]

    @property
    def argument(self) -> str:
        """What stands after the colon; empty if nothing does."""
        return self.name.partition(":")[2]


@documented
@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """One search, whole.

    Raises:
        ConfigError: A value breaks its rule.
    """

    dataset: Annotated[
        TextOrPath,
        Option(
            "digits, photos, signals, fashion-mnist, cifar10, …, folder:DIR, audio:DIR, npz:FILE, "
            "csv:FILE or parquet:FILE",
            DATA,
        ),
    ] = "digits"
    data_root: Annotated[
        PathText | None,
        Option(
            "Where downloads and decoded images live",
            DATA,
            runtime=True,
            default="~/.cache/asymnas",
        ),
    ] = None
    download: Annotated[bool, Option("Fetch a missing data set", DATA, runtime=True)] = False
    image_size: Annotated[
        Whole | None,
        Option(
            "Height and width in pixels that a folder's images are resized to",
            DATA,
            default="their own",
        ),
    ] = None
    family: Annotated[
        str | None,
        Option(
            "How both sides are built: conv2d, conv1d, dense, transformer, or any to draw a family "
            "for each side",
            NETWORK,
            default="by the data's shape",
        ),
    ] = None
    encoder_family: Annotated[
        str | None,
        Option("How the encoder is built, as --family", NETWORK, default="the family"),
    ] = None
    decoder_family: Annotated[
        str | None,
        Option("How the decoder is built, as --family", NETWORK, default="the family"),
    ] = None
    kind: Annotated[
        str,
        Option(
            "What is trained: plain, variational, denoising (Gaussian noise), denoising-masking, "
            "denoising-gross, vq (vector quantisation), fsq (finite scalar quantisation) or masked "
            "(which brings the transformer and a spatial bottleneck); options after a colon, as in "
            "variational:beta=4,likelihood=bernoulli",
            NETWORK,
        ),
    ] = "plain"
    budget: Annotated[
        Count,
        Option("Total trainable parameters, a hard cap: 20000, 150k, 1.5M", NETWORK),
    ] = 20_000
    max_encoder_params: Annotated[
        Count | None, Option("Cap on the encoder's parameters", NETWORK, default="none")
    ] = None
    max_decoder_params: Annotated[
        Count | None, Option("Cap on the decoder's parameters", NETWORK, default="none")
    ] = None
    max_macs: Annotated[
        Count | None,
        Option(
            "Cap on the multiply-accumulates of encoding and decoding one example",
            NETWORK,
            default="none",
        ),
    ] = None
    latent: Annotated[
        Whole,
        Option("Latent numbers per example; channels per position if spatial", NETWORK),
    ] = 16
    bottleneck: Annotated[
        Bottleneck | None,
        Option(
            "How images meet the latent: dense, spatial or pooled",
            NETWORK,
            default="dense; spatial for the kind masked",
        ),
    ] = None
    symmetric: Annotated[
        bool, Option("Search symmetric architectures only, as a control", NETWORK)
    ] = False
    space: Annotated[
        Literal["usual", "wide"],
        Option(
            "usual or wide: whether convolutional sides also draw norm, activation, attention, "
            "hidden and outer layers, and where blocks stand, which takes more trials",
            NETWORK,
        ),
    ] = "usual"
    enqueue: Annotated[
        Names | None,
        Option(
            "Begin with published designs sized to the budget: comma-separated presets of the "
            "family, all, or none. conv2d: dc-ae, flux2-small, litevae, reference, sd-vae, taesd; "
            "conv1d: dac; dense: scvi; transformer: mae, rae, vitok. They count among the trials, "
            "and the sampler learns from them",
            SEARCH,
            default="reference with conv2d, none with others",
        ),
    ] = None
    objectives: Annotated[
        SomeNames,
        Option(
            "Comma-separated. With one, candidates fill the budget or a part of it; with more, "
            "sizes are drawn too. The first is measured (val_loss, or a metric such as psnr, ssim, "
            "probe_accuracy, decoder_latency_1; docs/metrics.md has all), others may be counts "
            "(total_params, encoder_params, decoder_params, total_macs, encoder_macs, "
            "decoder_macs)",
            SEARCH,
        ),
    ] = ("val_loss",)
    metrics: Annotated[
        Names | None,
        Option(
            "What every complete trial is measured by besides, comma-separated; docs/metrics.md "
            "has all",
            SEARCH,
            runtime=True,
            default="those that join the front, by all that data, kind and family allow",
        ),
    ] = None
    trials: Annotated[
        Whole,
        Option(
            "Finished trials the run holds in all, those of earlier starts included",
            SEARCH,
            runtime=True,
        ),
    ] = 60
    timeout: Annotated[
        Duration | None,
        Option("Pause after this time: 90, 45s, 30m, 2h", SEARCH, runtime=True, default="no limit"),
    ] = None
    patience: Annotated[
        Whole | None,
        Option(
            "End earlier: when the last so many trials lowered the loss by less than 1 % together",
            SEARCH,
            runtime=True,
            default="all trials",
        ),
    ] = None
    examples: Annotated[
        Count | None,
        Option(
            "Training examples a completed candidate sees",
            SEARCH,
            default="six passes, at least 60k, at most 240k",
        ),
    ] = None
    batch_size: Annotated[Whole, Option("Examples per step", SEARCH)] = 64
    learning_rates: Annotated[
        Rates,
        Option("Lowest and highest rate; each candidate's is drawn on a log scale", SEARCH),
    ] = (1e-3, 0.1)
    sampler: Annotated[
        Any,
        Rule("a sampler's name, or an Optuna sampler in Python"),
        Option("tpe, nsgaii, gp, random or qmc", SEARCH),
    ] = "tpe"
    pruner: Annotated[
        str,
        Option(
            "asha (successive halving on the loss), rank (the same on all objectives), none, or "
            "auto: asha for one objective, rank for several",
            SEARCH,
        ),
    ] = "auto"
    seed: Annotated[Seed, Option("Fixes splits, draws, weights and batch order", SEARCH)] = 0
    split_seed: Annotated[
        Seed | None,
        Option("Fixes the splits alone, for several searches of one split", SEARCH, default="seed"),
    ] = None
    executor: Annotated[
        Executor,
        Option(
            "Where workers are: local, ray (a Ray cluster that is running, or one of this machine) "
            "or ray:ADDRESS; docs/scaling.md",
            MACHINE,
            runtime=True,
        ),
    ] = "local"
    workers: Annotated[
        Whole | None,
        Option(
            "Candidates that train at once, each in a process",
            MACHINE,
            runtime=True,
            default="one per GPU, else one per core, at most 8; with ray what the cluster takes",
        ),
    ] = None
    gpus_per_trial: Annotated[
        Part | None,
        Option(
            "The part of a GPU that each candidate gets, as 0.25 for four workers per GPU",
            MACHINE,
            runtime=True,
            default="1",
        ),
    ] = None
    device: Annotated[
        Device,
        Option("Where candidates train; with cuda, workers share all GPUs", MACHINE, runtime=True),
    ] = "auto"
    precision: Annotated[
        Precision,
        Option(
            "auto, fp32 or bf16; auto is bf16 where it is native and pays", MACHINE, runtime=True
        ),
    ] = "auto"
    name: Annotated[str, Option("The study's name", MACHINE, default="the data set's")] = ""
    run_dir: Annotated[
        RunDir,
        Option(
            "Where results go",
            MACHINE,
            runtime=True,
            default="runs/<study name>; of a sweep runs/<study name>/sweep",
        ),
    ] = ""
    storage: Annotated[
        StorageUrl,
        Option("Optuna storage URL", MACHINE, runtime=True, default="SQLite in the run directory"),
    ] = field(default="", repr=False)  # it may hold a password

    def __post_init__(self) -> None:
        check(self)
        if not self.name:
            source, _, argument = self.dataset.partition(":")
            path = Path(argument.partition("?")[0])
            label = f"{source}-{path.stem}" if argument else source
            object.__setattr__(self, "name", re.sub(r"[^\w.-]+", "-", label))
        if not self.run_dir:
            object.__setattr__(self, "run_dir", _run_dir(self.name))
        if self.executor != "local" and self.device.startswith("cuda:"):
            raise ConfigError(
                f"--device {self.device} names a GPU of this machine, but --executor "
                f"{self.executor} gives each worker its own: use --device cuda"
            )

    def caps(self) -> Budget:
        """The budget as hard caps."""
        return Budget(
            total_params=self.budget,
            encoder_params=self.max_encoder_params,
            decoder_params=self.max_decoder_params,
            macs=self.max_macs,
        )

    def data(self) -> DataSpec:
        """What determines the data and its splits."""
        return DataSpec(
            name=self.dataset,
            root=self.data_root,
            download=self.download,
            image_size=self.image_size,
            seed=self.seed if self.split_seed is None else self.split_seed,
        )

    def changed(self, options: Mapping[str, Any]) -> "StudyConfig":
        """The study with other options, as values or as text.

        Its name and run directory follow from its data, unless they are given.

        Raises:
            OptionError: A value breaks its rule.
        """
        anew: dict[str, Any] = {}
        if "dataset" in options:
            anew = {"name": "", "run_dir": ""}
        elif self.run_dir == _run_dir(self.name):
            anew = {"run_dir": ""}
        return replace(self, **{**anew, **options})

    def to_dict(self) -> dict[str, Any]:
        """All options as JSON values; a sampler object becomes its class's name."""
        return as_dict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "StudyConfig":
        """Reads what `to_dict` wrote, here or in another version."""
        return cls(**known(cls, values))

    def identity(self) -> dict[str, Any]:
        """The options that a continued run must share with its start."""
        return identity(self)


LONGEST_NAME = 200  # bytes of a study's name in a folder's, of which most systems take 255


def _run_dir(name: str) -> str:
    """Where a study's results go by default: below `runs`, whatever the name."""
    inside = [re.sub(r"[\x00-\x1f\\]", "-", part) for part in name.split("/")]
    kept = [_cut(part) for part in inside if part not in ("", ".", "..")]
    return str(Path("runs", *kept or ["study"]))


def _cut(part: str) -> str:
    """A part of a name, as much of it as a folder's name holds."""
    return part.encode("utf-8", "replace")[:LONGEST_NAME].decode("utf-8", "ignore")


def default_examples(n_train: int) -> int:
    """Training examples a completed candidate sees: six passes, at least 60,000, at most 240,000.

    Args:
        n_train: Size of the training split.
    """
    return min(max(6 * n_train, 60_000), 240_000)


EVEN = 0.5  # the decoder share of an even split
PRIMARY = (1 / 3, 2 / 3)  # the shares held against it, fixed before the first run
COMPARED = (PRIMARY[0], EVEN, PRIMARY[1])
FARTHEST = (0.03, 0.97)  # decoder shares that a sweep may add


@documented
@dataclass(frozen=True, kw_only=True)
class SweepConfig:
    """One sweep, whole: per budget, structures × decoder shares × seeds.

    Args:
        study: Data, family, kind, latent, examples, machine; its budget, sampler, pruner,
            trials and enqueued presets are the sweep's own to set.

    Raises:
        ConfigError: A value breaks its rule, or the study limits one side.
    """

    study: InstanceOf[StudyConfig]
    budgets: Annotated[
        Counts,
        Option(
            "Total parameters, each filled to within 1 %: 50k,150k,500k",
            DESIGN,
            default="a quarter, a half and all of the study's budget",
        ),
    ] = ()
    shares: Annotated[
        Three,
        Option(
            "Decoder shares per budget, evenly spaced in log odds, 1/3, 1/2 and 2/3 among them",
            DESIGN,
        ),
    ] = 7
    share_range: Annotated[Shares, Option("Lowest and highest share", DESIGN)] = (0.111, 0.889)
    structures: Annotated[
        Three,
        Option("Structures per budget, each trained at every share", DESIGN),
    ] = 6
    screen: Annotated[
        Whole,
        Option(
            "Structures tried in short runs at a few shares for each that is kept; 1 tries none",
            DESIGN,
        ),
    ] = 3
    seeds: Annotated[
        Whole,
        Option(
            "Runs per architecture, on average: those after the first go where the interval "
            "narrows most; more may be added later",
            DESIGN,
            runtime=True,
        ),
    ] = 2
    until: Annotated[
        Fraction | None,
        Option(
            "Go on until the intervals at 1/3 and 2/3 reach no farther than this to either side, "
            "in log loss: 0.01 is about 1 %",
            DESIGN,
            runtime=True,
            default="as many runs as seeds say",
        ),
    ] = None
    rates: Annotated[
        Whole,
        Option(
            "Learning rates that tuning begins with, a factor of 2 apart; it goes on until the "
            "best is inside. 1 tunes nothing",
            DESIGN,
        ),
    ] = 3
    horizons: Annotated[
        Natural,
        Option(
            "Structures per budget that are also trained with a quarter and with four times the "
            "examples; 0 for none",
            DESIGN,
        ),
    ] = 2
    tolerance: Annotated[
        Fraction,
        Option("Relative loss above the lowest that does not matter", DESIGN, runtime=True),
    ] = 0.01

    def __post_init__(self) -> None:
        check(self)
        if self.study.symmetric:
            raise ConfigError("a sweep cannot be symmetric: its shares are what it is about")
        for name in ("max_encoder_params", "max_decoder_params", "max_macs"):
            if getattr(self.study, name) is not None:
                raise ConfigError(
                    f"a sweep fills its budgets at every share, so it takes no {name}: leave it out"
                )
        low, high = self.share_range
        if low > PRIMARY[0] or high < PRIMARY[-1]:
            raise ConfigError(
                f"share_range must include 1/3 and 2/3, which are compared with 1/2, but is "
                f"{low:g} to {high:g}"
            )
        if self.horizons > self.structures:
            raise ConfigError(
                f"horizons must be at most the {self.structures} structures but is {self.horizons}"
            )
        whole = self.study.budget
        budgets = self.budgets or (max(1, whole // 4), max(1, whole // 2), whole)
        object.__setattr__(self, "budgets", tuple(sorted(set(budgets))))

    def share_grid(self) -> list[float]:
        """The decoder shares, rising: evenly spaced in log odds, the nearest three made primary."""
        ends = [math.log(share / (1 - share)) for share in self.share_range]
        step = (ends[1] - ends[0]) / (self.shares - 1)
        grid = [1 / (1 + math.exp(-ends[0] - place * step)) for place in range(self.shares)]
        inner = (
            range(1, self.shares - 1) if self.shares >= len(COMPARED) + 2 else range(self.shares)
        )

        def moved(places: Iterable[int]) -> float:
            pairs = zip(places, COMPARED, strict=True)
            return sum(abs(grid[place] - share) for place, share in pairs)

        nearest = min(combinations(inner, len(COMPARED)), key=moved)
        for place, share in zip(nearest, COMPARED, strict=True):
            grid[place] = share
        return [share if share in COMPARED else round(share, 4) for share in grid]

    def farther_shares(self) -> list[float]:
        """Shares beyond the grid that may be added, rising: odds doubled up to .03 and .97."""
        grid = self.share_grid()
        added = []
        for end, farthest in zip((grid[0], grid[-1]), FARTHEST, strict=True):
            odds, factor = end / (1 - end), 0.5 if farthest < EVEN else 2.0
            while min(FARTHEST) < (share := (odds := odds * factor) / (1 + odds)) < max(FARTHEST):
                added.append(round(share, 4))
        return sorted(added)

    def design(self) -> dict[str, Any]:
        """The identity as it is stored: the shares one by one in place of their range."""
        design = {**self.identity(), "shares": self.share_grid()}
        del design["share_range"]
        return design

    def to_dict(self) -> dict[str, Any]:
        """The study and all options as JSON values."""
        return as_dict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SweepConfig":
        """Reads what `to_dict` wrote, here or in another version."""
        return cls(**{**known(cls, values), "study": StudyConfig.from_dict(values["study"])})

    def identity(self) -> dict[str, Any]:
        """The design's options that a continued sweep must share; more seeds only add to it."""
        return identity(self)


@documented
@dataclass(frozen=True, kw_only=True)
class ConfirmationConfig:
    """One confirmation of a search.

    Raises:
        ConfigError: A value breaks its rule.
    """

    run_dir: Annotated[PathText, Option("The run directory of a search", ARGUMENTS, runtime=True)]
    searches: Annotated[
        Whole,
        Option(
            "Pairs of a free and a symmetric search, the one in the run directory included; what "
            "the constraint costs is inferred from three or more",
            DESIGN,
        ),
    ] = 3
    seeds: Annotated[
        Whole,
        Option(
            "Fresh seeds for each contender; six are the least for a verdict on one comparison, "
            "seven on three at once, eight on four to six",
            DESIGN,
            runtime=True,
        ),
    ] = 8
    top: Annotated[
        Whole, Option("Members of the front that are retrained", DESIGN, runtime=True)
    ] = 3
    rates: Annotated[
        Whole,
        Option(
            "Learning rates tried at first for the mirror, the reference and presets; the grid "
            "goes on until the best is inside. 1: the rate of the best",
            DESIGN,
        ),
    ] = 3
    margin: Annotated[
        Fraction, Option("Relative difference that does not matter", DESIGN, runtime=True)
    ] = 0.01
    presets: Annotated[
        Names,
        Option(
            "Published designs sized to the budget as contenders besides, comma-separated, or all "
            "that the data allow: dac, dc-ae, flux2-small, linear-decoder, litevae, mae, rae, "
            "scvi, sd-vae, taesd, vitok",
            DESIGN,
            default="none",
        ),
    ] = ()
    timeout: Annotated[
        Duration | None,
        Option(
            "Pause each of its runs after this time: 90, 45s, 30m, 2h",
            SEARCH,
            runtime=True,
            default="no limit",
        ),
    ] = None
    executor: Annotated[
        Executor | None,
        Option(
            "Where workers are: local, ray or ray:ADDRESS",
            MACHINE,
            runtime=True,
            default="as in the search",
        ),
    ] = None
    workers: Annotated[
        Whole | None,
        Option(
            "Candidates that train at once, each in a process",
            MACHINE,
            runtime=True,
            default="as in the search",
        ),
    ] = None
    gpus_per_trial: Annotated[
        Part | None,
        Option(
            "The part of a GPU that each candidate gets",
            MACHINE,
            runtime=True,
            default="as in the search",
        ),
    ] = None
    device: Annotated[
        Device | None,
        Option("Where to train", MACHINE, runtime=True, default="as in the search"),
    ] = None

    def __post_init__(self) -> None:
        check(self)

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON values."""
        return as_dict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ConfirmationConfig":
        """Reads what `to_dict` wrote, here or in another version."""
        return cls(**known(cls, values))

    def identity(self) -> dict[str, Any]:
        """The options that a continued confirmation must share with its start."""
        return identity(self)

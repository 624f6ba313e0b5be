"""What one run is: frozen, checked when made, stored with the results.

The options of a run are the fields here; `asymnas/core/declarations.py` has how one is declared.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from asymnas.core.budget import Budget
from asymnas.core.declarations import (
    DATA,
    MACHINE,
    NETWORK,
    SEARCH,
    Count,
    Duration,
    Names,
    Option,
    Part,
    PathText,
    Rates,
    Rule,
    RunDir,
    Seed,
    SomeNames,
    StorageUrl,
    TextOrPath,
    Whole,
    as_dict,
    check,
    documented,
    identity,
    known,
    native,
)
from asymnas.core.errors import ConfigError
from asymnas.core.rates import usual_rates

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
        Rates | None,
        Option(
            "Lowest and highest rate; each candidate's is drawn on a log scale",
            SEARCH,
            default="0.001 to 0.1, lower ones above 180,000 parameters",
        ),
    ] = None
    sampler: Annotated[
        Any,
        Rule("a sampler's name, or an Optuna sampler in Python"),
        Option("tpe, nsgaii, gp, random or qmc", SEARCH),
    ] = "tpe"
    pruner: Annotated[
        str,
        Option(
            "asha (successive halving on the loss), rank (the same on all objectives), pause (what "
            "is expected to add little to the front waits until all have begun), none, or auto: "
            "asha for one objective, rank for several",
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

    def rates(self) -> tuple[float, float]:
        """The lowest and the highest learning rate: those given, or what suits the budget."""
        return self.learning_rates or usual_rates(self.budget)

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

"""The columns of the trial table: the one contract between a study and its analysis.

One row per trial. Every objective and every metric is a column under its own name in its natural
direction (`val_loss`, `psnr`, `total_params`, …); the sampler's draws are columns `drawn.<name>`.
"""

from typing import Literal, get_args

TRIAL = "trial"  # int: the trial's number in the study
STATE = "state"  # one of STATES
DUPLICATE_OF = "duplicate_of"  # Int64, missing unless the architecture was trained by that trial
NEVER_PRUNED = "never_pruned"  # bool: exempt, so that what pruning costs can be estimated
FAILURE = "failure"  # str, empty unless failed: the reason

VAL_LOSS = "val_loss"  # float: validation loss at the last rung reached
TOTAL_PARAMS = "total_params"
ENCODER_PARAMS = "encoder_params"
DECODER_PARAMS = "decoder_params"
SHARED_PARAMS = "shared_params"
DECODER_SHARE = "decoder_share"
ENCODER_MACS = "encoder_macs"
DECODER_MACS = "decoder_macs"
TOTAL_MACS = "total_macs"
ENCODER_WIDTHS = "encoder_widths"  # str: channels or units by layer, the data's side first
DECODER_WIDTHS = "decoder_widths"
ENCODER_DENSE = "encoder_dense_fraction"  # share of the side's parameters in dense layers
DECODER_DENSE = "decoder_dense_fraction"

ENCODER_FAMILY = "encoder_family"  # str
DECODER_FAMILY = "decoder_family"  # str

LEARNING_RATE = "learning_rate"
RATE_RATIO = "rate_ratio"  # float: the decoder's rate over the encoder's; 1.0 where both are alike
EXAMPLES = "examples"  # int: training examples seen
SECONDS = "seconds"  # float: time a worker spent on it
TRAIN_LOSS = "train_loss"  # float: loss on training examples, as many as validate, at the end
TEST_LOSS = "test_loss"  # float: in a confirmation only
CURVE = "curve"  # list of [examples seen, validation loss], one a rung
ARCHITECTURE = "architecture"  # dict: Architecture.to_dict()
DRAWN = "drawn."  # prefix of the sampler's own draws

PRESET = "preset"  # str: of a search that enqueued presets, the one that the trial is, or missing

SIZED_FROM = "sized_from"  # int: the trial whose draws this one repeats at a size of its own

# A fixed list of candidates (a sweep, a confirmation) says of each what it is there for.
PHASE = "phase"  # one of PHASES
BUDGET = "budget"  # int: the stratum's budget of total parameters
TARGET_SHARE = "target_share"  # float: the stratum's decoder share, realised as nearly as widths go
CLUSTER = "cluster"  # int: the architecture's number in the list, the same for all its seeds
CONTENDER = "contender"  # str: the architecture's name in a confirmation
REPLICATE = "replicate"  # int: the place of the seed, 0 … seeds - 1; pairs runs of one seed
STRUCTURE = "structure"  # int: the structure of both sides; of a sweep trained at every share
MIRRORED = "mirrored"  # bool: the decoder mirrors the encoder, as the control of its structure
HORIZON = "horizon"  # float: length of this training over that of the runs that count
WAVE = "wave"  # int: the part of a sequential design that a run belongs to, 0 the first
RETRY_OF = "retry_of"  # int: the trial that failed and is tried again at a lower rate

#: Short runs that choose structures, short runs that choose learning rates, runs that count, and
#: runs that repeat some of these with shorter and longer training.
SCREENING, TUNING, MEASURE, HORIZON_CHECK = PHASES = ("screening", "tuning", "measure", "horizon")

State = Literal["complete", "pruned", "failed", "running"]
STATES: tuple[str, ...] = get_args(State)

#: Quantities that are known exactly before training; all are minimised as objectives.
COUNT_COLUMNS = (
    TOTAL_PARAMS,
    ENCODER_PARAMS,
    DECODER_PARAMS,
    TOTAL_MACS,
    ENCODER_MACS,
    DECODER_MACS,
)

COLUMNS = (
    TRIAL,
    STATE,
    DUPLICATE_OF,
    NEVER_PRUNED,
    FAILURE,
    VAL_LOSS,
    TOTAL_PARAMS,
    ENCODER_PARAMS,
    DECODER_PARAMS,
    SHARED_PARAMS,
    DECODER_SHARE,
    TOTAL_MACS,
    ENCODER_MACS,
    DECODER_MACS,
    ENCODER_DENSE,
    DECODER_DENSE,
    ENCODER_FAMILY,
    DECODER_FAMILY,
    LEARNING_RATE,
    RATE_RATIO,
    EXAMPLES,
    SECONDS,
    CURVE,
    ARCHITECTURE,
)

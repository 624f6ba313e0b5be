"""How well the loss tells anomalies from the rest, over the whole split.

An example's score is the kind's loss, so for `denoising` and the like the corruption is drawn too.
Davis & Goadrich 2006, https://doi.org/10.1145/1143844.1143874, on the two curves.
"""

import numpy as np
import numpy.typing as npt

from asymnas.training.metrics import METRICS, NetworkMetric, View, needs_anomalies


def auroc(view: View) -> float:
    """Probability that an anomaly has a higher loss than another example, in [0, 1]."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_scored(view)))


def aupr(view: View) -> float:
    """Average precision, anomalies the positives, in [0, 1]; by chance their share."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*_scored(view)))


def _scored(view: View) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    losses, anomalous = view.losses.numpy(), view.anomaly_losses.numpy()
    truth = np.repeat([0, 1], [len(losses), len(anomalous)])
    return truth, np.concatenate([losses, anomalous])


METRICS.register("auroc")(
    NetworkMetric(
        auroc,
        "area under the ROC curve of the loss as anomaly score",
        maximize=True,
        unsupported_reason=needs_anomalies,
        ceiling=1.0,
    )
)
METRICS.register("aupr")(
    NetworkMetric(
        aupr,
        "average precision of the loss as anomaly score",
        maximize=True,
        unsupported_reason=needs_anomalies,
        ceiling=1.0,
    )
)

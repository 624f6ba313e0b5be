"""An autoencoder beside PCA: reconstruction error by latent size, and anomalies by that error.

Trains on benign tumours (267 rows of 30 columns), and asks which rows of the others are malignant.
Prints a table, and writes `beside_pca.html` to the working directory.
"""

import numpy as np
import plotly.graph_objects as go
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from asymnas import Autoencoder

LATENTS = (1, 2, 4, 8)

X, y = load_breast_cancer(return_X_y=True)
benign, malignant = X[y == 1], X[y == 0]
train, test = train_test_split(benign, random_state=0)
scaler = StandardScaler().fit(train)
train, test, malignant = map(scaler.transform, (train, test, malignant))
held_out = np.vstack([test, malignant])
anomalous = np.arange(len(held_out)) >= len(test)

errors: dict[str, list[float]] = {"PCA": [], "autoencoder": []}
print("latent  error of PCA  autoencoder   AUROC of PCA  autoencoder")
for latent in LATENTS:
    models = {
        "PCA": PCA(latent),
        "autoencoder": Autoencoder(budget="5k", latent=latent, examples="20k", random_state=0),
    }
    aurocs = []
    for name, model in models.items():
        Z = model.fit(train).transform(held_out)
        squared = ((held_out - model.inverse_transform(Z)) ** 2).mean(axis=1)
        errors[name].append(squared[~anomalous].mean())
        aurocs.append(roc_auc_score(anomalous, squared))
    last = [errors[name][-1] for name in models]
    print(f"{latent:6}{last[0]:14.3f}{last[1]:13.3f}{aurocs[0]:15.3f}{aurocs[1]:13.3f}")

forest = IsolationForest(random_state=0).fit(train)
print(f"AUROC of IsolationForest: {roc_auc_score(anomalous, -forest.score_samples(held_out)):.3f}")

figure = go.Figure([go.Scatter(x=LATENTS, y=errors[name], name=name) for name in errors])
figure.update_xaxes(title="latent size", type="log", tickvals=LATENTS)
figure.update_yaxes(title="mean squared error of held-out benign rows")
figure.write_html("beside_pca.html", include_plotlyjs="cdn")

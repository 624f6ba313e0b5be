"""scikit-learn: the search as a step of a pipeline, in front of a classifier."""

from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from asymnas import AutoencoderSearch

X, y = load_wine(return_X_y=True)
search = AutoencoderSearch(budget="2k", latent=3, trials=3, examples="10k", random_state=0)
model = make_pipeline(StandardScaler(), search, StandardScaler(), LogisticRegression())
scores = cross_val_score(model, X, y, cv=3)
print(f"accuracy on 3 numbers in place of {X.shape[1]}: {scores.mean():.2f}")

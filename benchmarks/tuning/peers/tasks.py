"""What is searched: two functions with known minima, and two models of scikit-learn on data that comes with it.

A space is a dict of name to a dict: `type` (float, int, choice), `low`, `high`, `log`, `choices`, and `when`, a pair of
another parameter's name and the values with which this one is there.
"""

import math
import warnings
from functools import cache

import numpy as np

HARTMANN_HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_WIDTHS = np.array(
    [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
)
HARTMANN_CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def branin(x, y):
    return (
        (y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10
    )


def hartmann6(**point):
    place = np.array([point[f"x{number}"] for number in range(6)])
    return -float(HARTMANN_HEIGHTS @ np.exp(-(HARTMANN_WIDTHS * (place - HARTMANN_CENTRES) ** 2).sum(1)))


@cache
def _data(name):
    from sklearn import datasets, preprocessing

    rows, target = getattr(datasets, f"load_{name}")(return_X_y=True)
    return preprocessing.StandardScaler().fit_transform(rows), target


def boosting(trees, rate, depth, rows, columns):
    """Log loss of gradient boosted trees, in 3 folds of the breast cancer data."""
    from sklearn.ensemble import GradientBoostingClassifier
    from sklearn.model_selection import cross_val_score

    model = GradientBoostingClassifier(
        n_estimators=trees, learning_rate=rate, max_depth=depth, subsample=rows, max_features=columns, random_state=0
    )
    return -float(cross_val_score(model, *_data("breast_cancer"), cv=3, scoring="neg_log_loss").mean())


def support(cost, margin, kernel, gamma=None, degree=None):
    """Root mean squared error of a support vector machine, in 5 folds of the diabetes data."""
    from sklearn.model_selection import cross_val_score
    from sklearn.svm import SVR

    given = {name: value for name, value in (("gamma", gamma), ("degree", degree)) if value is not None}
    model = SVR(C=cost, epsilon=margin, kernel=kernel, max_iter=20_000, **given)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Of those that are not done by then: they are no good choice.
        score = cross_val_score(model, *_data("diabetes"), cv=5, scoring="neg_root_mean_squared_error")
    return -float(score.mean())


def _float(low, high, log=False, when=None):
    return {"type": "float", "low": low, "high": high, "log": log, "when": when}


def _int(low, high, log=False, when=None):
    return {"type": "int", "low": low, "high": high, "log": log, "when": when}


TASKS = {
    "branin": (branin, {"x": _float(-5.0, 10.0), "y": _float(0.0, 15.0)}, 0.39788735772973816),
    "hartmann6": (hartmann6, {f"x{number}": _float(0.0, 1.0) for number in range(6)}, -3.322368011415515),
    "boosting": (
        boosting,
        {
            "trees": _int(10, 80),
            "rate": _float(0.01, 1.0, log=True),
            "depth": _int(1, 5),
            "rows": _float(0.3, 1.0),
            "columns": _float(0.1, 1.0),
        },
        None,
    ),
    "support": (
        support,
        {
            "cost": _float(0.1, 1e4, log=True),
            "margin": _float(0.1, 100.0, log=True),
            "kernel": {"type": "choice", "choices": ["linear", "rbf", "poly"], "when": None},
            "gamma": _float(1e-4, 10.0, log=True, when=("kernel", ["rbf", "poly"])),
            "degree": _int(2, 5, when=("kernel", ["poly"])),
        },
        None,
    ),
}
"""Function, space, and minimum where it is known."""

"""Optuna in this process, one trial after the other, as its tutorials have it: `python in_optuna.py TRIALS`."""

import sys

import keras
import optuna
from trial import train


def objective(trial: optuna.Trial) -> float:
    keras.backend.clear_session()
    return train(
        units=trial.suggest_int("units", 8, 128),
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
        activation=trial.suggest_categorical("activation", ["relu", "tanh"]),
    )["val_loss"]


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
study.optimize(objective, n_trials=int(sys.argv[1]))
print(len(study.trials), study.best_value)

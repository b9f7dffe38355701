"""KerasTuner's Bayesian search in this process: `python in_keras_tuner.py TRIALS`."""

import sys
import tempfile

import keras_tuner
from trial import train


class Tuner(keras_tuner.BayesianOptimization):
    def run_trial(self, trial, *args, **kwargs):
        parameters = trial.hyperparameters
        return train(
            units=parameters.Int("units", 8, 128),
            learning_rate=parameters.Float("learning_rate", 1e-4, 1e-1, sampling="log"),
            activation=parameters.Choice("activation", ["relu", "tanh"]),
        )


with tempfile.TemporaryDirectory() as folder:
    tuner = Tuner(
        objective=keras_tuner.Objective("val_loss", "min"), max_trials=int(sys.argv[1]), directory=folder, seed=1
    )
    tuner.search()
    print(len(tuner.oracle.trials), tuner.oracle.get_best_trials(1)[0].score)

"""KerasTuner's Bayesian search: `python search_keras_tuner.py TASK TRIALS SEED…`."""

import contextlib
import io
import tempfile

import keras_tuner
from measured import applies, measure


def search(objective, space, seed, trials):
    class Tuner(keras_tuner.BayesianOptimization):
        def run_trial(self, trial, *args, **kwargs):
            return objective(suggested(trial.hyperparameters, space))

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        wanted = keras_tuner.Objective("value", "min")
        Tuner(objective=wanted, max_trials=trials, directory=folder, seed=seed).search()


def suggested(parameters, space):
    found = {}
    for name, one in space.items():
        parents = [one["when"][0]] if one["when"] else []
        scope = parameters.conditional_scope(*one["when"]) if parents else contextlib.nullcontext()
        with scope:
            value = declared(parameters, name, one)
        if applies(one["when"], found):
            found[name] = value
    return found


def declared(parameters, name, one):
    if one["type"] == "choice":
        return parameters.Choice(name, one["choices"])
    declare = parameters.Int if one["type"] == "int" else parameters.Float
    return declare(name, one["low"], one["high"], sampling="log" if one["log"] else "linear")


measure(search)

"""Optuna: `python search_optuna.py TPE|GP TASK TRIALS SEED…`."""

import sys

import optuna
from measured import applies, measure

optuna.logging.set_verbosity(optuna.logging.WARNING)
SAMPLERS = {"TPE": optuna.samplers.TPESampler, "GP": optuna.samplers.GPSampler}


def suggested(trial, space):
    parameters = {}
    for name, one in space.items():
        if not applies(one["when"], parameters):
            continue
        if one["type"] == "choice":
            parameters[name] = trial.suggest_categorical(name, one["choices"])
        else:
            suggest = trial.suggest_int if one["type"] == "int" else trial.suggest_float
            parameters[name] = suggest(name, one["low"], one["high"], log=one["log"])
    return parameters


def search(objective, space, seed, trials):
    study = optuna.create_study(sampler=SAMPLERS[sampler](seed=seed))
    study.optimize(lambda trial: objective(suggested(trial, space)), n_trials=trials)


sampler = sys.argv.pop(1)
measure(search)
